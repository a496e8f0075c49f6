/*
** drop.c: plain files take what is written to them, and drop it. For LD_PRELOAD.
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* NOLINT: syscall is GNU's */
#endif
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t write (int fd, const void *bytes, size_t n) {
  struct stat st;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) return (ssize_t)n;
  return syscall(SYS_write, fd, bytes, n);
}
