/*
** Loaded before a program, this holds every fsync up while the file named by
** HOLD_SYNC is there (70 s at most), as a disk does that has too much to write.
** The file "<HOLD_SYNC>.held" says that one is being held.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fsync (int fd) {
  int (*real) (int) = (int (*) (int))dlsym(RTLD_NEXT, "fsync");
  const char *held = getenv("HOLD_SYNC");
  char told[4096];
  if (held && access(held, F_OK) == 0) {
    (void)snprintf(told, sizeof told, "%s.held", held);
    close(open(told, O_CREAT | O_WRONLY, 0600));
    for (int i = 0; i < 7000 && access(held, F_OK) == 0; i++) usleep(10000);
  }
  return real(fd);
}
