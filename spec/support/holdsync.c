/*
** Loaded before a program, this holds every fsync up while the file named by
** HOLD_SYNC is there (70 s at most), as a disk does that has too much to write.
** The file "<HOLD_SYNC>.held" has a byte for each one held. While the file
** "<HOLD_SYNC>.threads" is there, no thread can be started either.
*/
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fsync (int fd) {
  int (*real) (int) = (int (*) (int))dlsym(RTLD_NEXT, "fsync");
  const char *held = getenv("HOLD_SYNC");
  char told[4096];
  if (held && access(held, F_OK) == 0) {
    (void)snprintf(told, sizeof told, "%s.held", held);
    int fd = open(told, O_CREAT | O_WRONLY | O_APPEND, 0600);
    if (fd < 0 || write(fd, ".", 1) != 1 || close(fd) != 0) abort();
    for (int i = 0; i < 7000 && access(held, F_OK) == 0; i++) usleep(10000);
  }
  return real(fd);
}


int pthread_create (pthread_t *thread, const pthread_attr_t *attr,
                    void *(*body) (void *), void *data) {
  int (*real) (pthread_t *, const pthread_attr_t *, void *(*) (void *), void *) =
    (int (*) (pthread_t *, const pthread_attr_t *, void *(*) (void *), void *))
      dlsym(RTLD_NEXT, "pthread_create");
  const char *held = getenv("HOLD_SYNC");
  char refused[4096];
  (void)snprintf(refused, sizeof refused, "%s.threads", held ? held : "");
  return held && access(refused, F_OK) == 0 ? EAGAIN : real(thread, attr, body, data);
}
