/*
** file.c: a plain file, opened for reading.
*/
#include <errno.h>
#include <fcntl.h>
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


bool rw_file_none_left (int err) {
  return err == EMFILE || err == ENFILE;
}
