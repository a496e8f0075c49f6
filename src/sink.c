/*
** sink.c: a file that appears whole or not at all.
*/
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink.h"


static int failed (rw_sink *s, const char *what, int err) {
  s->what = what;
  return err;
}


/* 0 when `path` may become the target. */
static int check_target (rw_sink *s) {
  struct stat st;
  if (!*s->path) return failed(s, "write to a file without a name", ENOENT);
  if (lstat(s->path, &st) != 0)
    return errno == ENOENT ? 0 : failed(s, "look at the target", errno);
  if (S_ISDIR(st.st_mode)) return failed(s, "write over a directory", EISDIR);
  if (!S_ISREG(st.st_mode))
    return failed(s, "write over what is not a plain file", EINVAL);
  if (!s->overwrite) return failed(s, "write over an existing file", EEXIST);
  return 0;
}


/* Does the name still lead to the file we hold open? */
static int check_part (rw_sink *s) {
  struct stat held, named;
  if (fstat(s->fd, &held) != 0) return failed(s, "look at the .part", errno);
  if (!S_ISREG(held.st_mode) || held.st_nlink > 1)
    return failed(s, "use a .part that is not a plain file", EINVAL);
  if (held.st_nlink == 0 || lstat(s->part, &named) != 0 ||
      named.st_ino != held.st_ino || named.st_dev != held.st_dev)
    return failed(s, "find the .part again, it was moved or deleted", ENOENT);
  return 0;
}


int rw_sink_open (rw_sink *s) {
  size_t n = strlen(s->path);
  int err = check_target(s);
  if (err) return err;
  s->part = malloc(n + sizeof ".part");
  if (!s->part) return failed(s, "hold the name of the .part", ENOMEM);
  memcpy(s->part, s->path, n);
  memcpy(s->part + n, ".part", sizeof ".part");
  /* O_NONBLOCK: a FIFO put there must not hang us; it changes no plain file */
  s->fd = open(s->part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
                        | O_NOCTTY, 0666);
  if (s->fd < 0) {
    err = errno;
    free(s->part);
    s->part = NULL;
    return failed(s, "create the .part file beside the target", err);
  }
  if (flock(s->fd, LOCK_EX | LOCK_NB) != 0) {
    err = errno == EWOULDBLOCK ? EBUSY : errno;
    failed(s, "lock the .part file (is another program writing it?)", err);
  } else if ((err = check_part(s)) == 0 && ftruncate(s->fd, 0) != 0) {
    err = errno;
    failed(s, "empty the .part file", err);
  }
  if (err) {                   /* not ours to remove */
    close(s->fd);
    s->fd = -1;
    free(s->part);
    s->part = NULL;
  }
  return err;
}


int rw_sink_write (rw_sink *s, const void *data, size_t len) {
  const char *p = data;
  if (s->max_bytes > 0 && (int64_t)len > s->max_bytes - s->written)
    return failed(s, "keep a file larger than max_bytes", EOVERFLOW);
  while (len > 0) {
    ssize_t n = write(s->fd, p, len);
    if (n < 0) {
      if (errno == EINTR) continue;
      return failed(s, "write the .part file", errno);
    }
    p += n;
    len -= (size_t)n;
    s->written += n;
  }
  return 0;
}


static void sync_directory (const char *path) {
  const char *slash = strrchr(path, '/');
  char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path))
                    : strdup(".");
  int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    (void)fsync(fd);           /* some file systems cannot; the data is safe */
    close(fd);
  }
  free(dir);
}


/* Gives the .part its final name, never over a file that came meanwhile. */
static int put_in_place (rw_sink *s) {
  if (s->overwrite) {
    int err = check_target(s);
    if (err) return err;
    return rename(s->part, s->path) == 0 ? 0 : failed(s, "rename", errno);
  }
#if defined(RENAME_NOREPLACE)
  if (renameat2(AT_FDCWD, s->part, AT_FDCWD, s->path, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno == EEXIST) return failed(s, "write over an existing file", EEXIST);
#endif
  if (link(s->part, s->path) == 0) {
    (void)unlink(s->part);
    return 0;
  }
  if (errno == EEXIST) return failed(s, "write over an existing file", EEXIST);
  /* a file system with neither: look, then rename */
  if (access(s->path, F_OK) == 0)
    return failed(s, "write over an existing file", EEXIST);
  return rename(s->part, s->path) == 0 ? 0 : failed(s, "rename", errno);
}


int rw_sink_commit (rw_sink *s) {
  int err = 0;
  if (fsync(s->fd) != 0) err = failed(s, "sync the file to disk", errno);
  if (!err) err = check_part(s);
  if (!err) err = put_in_place(s);
  if (err) {
    rw_sink_abandon(s);
    return err;
  }
  if (close(s->fd) != 0 && errno != EINTR)
    err = failed(s, "close the file", errno);
  s->fd = -1;
  free(s->part);
  s->part = NULL;
  sync_directory(s->path);
  return err;
}


void rw_sink_abandon (rw_sink *s) {
  if (s->fd >= 0) {
    if (check_part(s) == 0) (void)unlink(s->part);
    close(s->fd);
    s->fd = -1;
  }
  free(s->part);
  s->part = NULL;
}


void rw_sink_free (rw_sink *s) {
  rw_sink_abandon(s);
  free(s->path);
  s->path = NULL;
}
