/*
** file.c: a plain file, opened for reading, and how one is named in a message.
*/
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"


int rw_file_open (const char *path, int64_t *size) {
  struct stat st;
  int err;
  /* O_NONBLOCK: opening a FIFO must not wait for its other end */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return -1;
  err = fstat(fd, &st) != 0 ? errno : S_ISREG(st.st_mode) ? 0 : EINVAL;
  if (err) {
    close(fd);
    errno = err;
    return -1;
  }
  *size = (int64_t)st.st_size;
  return fd;
}


static bool goes_on (char c) {
  return ((unsigned char)c & 0xC0) == 0x80;
}


void rw_file_show (const char *path, char *to, size_t room) {
  size_t len = strlen(path), kept, head, tail;
  if (len < room) {
    (void)snprintf(to, room, "%s", path);
    return;
  }
  kept = room > 4 ? room - 4 : 0;        /* beside "..." and the zero */
  head = kept / 3;
  tail = len - (kept - head);
  while (head > 0 && goes_on(path[head])) head--;
  while (goes_on(path[tail])) tail++;
  (void)snprintf(to, room, "%.*s...%s", (int)head, path, path + tail);
}


bool rw_file_none_left (int err) {
  return err == EMFILE || err == ENFILE;
}
