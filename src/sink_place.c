/*
** sink_place.c: the place where a file is to be, and how one gets there.
*/
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink_place.h"

static const char place_taken[] = "write over an existing file (overwrite = true does)";


static int place_fails (const char **what, const char *step, int err) {
  *what = step;
  return err;
}


int rw_place_look (const char *path, bool overwrite, const char **what) {
  struct stat st;
  if (!*path) return place_fails(what, "write to a file without a name", ENOENT);
  if (lstat(path, &st) != 0)
    return errno == ENOENT ? 0 : place_fails(what, "look at the target", errno);
  if (S_ISDIR(st.st_mode)) return place_fails(what, "write over a directory", EISDIR);
  if (S_ISLNK(st.st_mode))
    return place_fails(what, "write over a symbolic link", EINVAL);
  if (!S_ISREG(st.st_mode))
    return place_fails(what, "write over what is not a plain file", EINVAL);
  return overwrite ? 0 : place_fails(what, place_taken, EEXIST);
}


int rw_place_sync (int fd) {
  while (fsync(fd) != 0) {
    if (errno == EINTR) continue;
    return errno == EINVAL || errno == ENOSYS || errno == ENOTSUP ||
           errno == EROFS ? 0 : errno;   /* its other bytes are no safer */
  }
  return 0;
}


/*
** Some file systems say only at a close that bytes never arrived. So one
** descriptor is closed while the file has no name yet; the lock stays with
** the other. Without a descriptor to spare the word of fsync must do.
*/
int rw_place_taken (int fd) {
  int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return other >= 0 && close(other) != 0 && errno != EINTR ? errno : 0;
}


/* An empty file holds the name, so that the rename loses no one else's. */
static int reserve_and_rename (const char *part, const char *path, const char **what) {
  struct stat st;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), err;
  if (fd < 0) return place_fails(what, errno == EEXIST ? place_taken : "rename", errno);
  close(fd);
  if (rename(part, path) == 0) return 0;
  err = errno;
  if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
    (void)unlink(path);
  return place_fails(what, "rename", err);
}


int rw_place_put (const char *part, const char *path, bool overwrite,
                  const char **what) {
  if (overwrite) {
    int err = rw_place_look(path, true, what);
    if (err) return err;
    return rename(part, path) == 0 ? 0 : place_fails(what, "rename", errno);
  }
#if defined(RENAME_NOREPLACE)
  if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return 0;
#endif
  if (link(part, path) == 0) {
    (void)unlink(part);
    return 0;
  }
  return reserve_and_rename(part, path, what);
}


void rw_place_settle (const char *path) {
  const char *slash = strrchr(path, '/');
  char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path))
                    : strdup(".");
  int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    (void)rw_place_sync(fd);   /* the file is whole and has its name already */
    close(fd);
  }
  free(dir);
}
