/*
** A file system that cannot do what others can. Loaded before the C library
** (LD_PRELOAD), this makes calls on files under FAULTS_UNDER fail as FAULTS
** says, a list of words:
**
**   link=EPERM      every call fails
**   open=EMFILE@1   only the first does
**   write=EIO@3+    the third does, and all after it
**   link=EEXIST!    it is done all the same, and told as failed
**
** Of open, those that want a directory are called opendir; reading and writing
** in a place (pread), syncing without the times (fdatasync) and the names with a
** 64, by which SQLite calls, count as what they are kinds of. And as errors that
** none is: stat=NUMBER gives a plain file another number at each look, and
** stat=COUNT no count of its names; statvfs=FULL is a file system without room;
** statfs=NFS is one that other machines see; read=END finds no more bytes in it;
** write=SLOW takes a tenth of a second.
**
** A program that wants other faults from now on (shortage.c) calls faults_begin with
** them in its environment; faults_calls is how many calls the first has seen.
*/
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/types.h>
#include <unistd.h>

#define MOST 8

typedef struct {
  char call[16];
  int err, nth;                /* nth 0: each */
  int after;                   /* those after the nth as well */
  int done;                    /* it takes effect nevertheless */
  _Atomic int calls;
} fault;

static fault faults[MOST];
static const char *under;

enum { NUMBER = 10001, COUNT, FULL, END, NFS, SLOW };

static const struct { const char *name; int number; } errors[] = {
  { "NUMBER", NUMBER }, { "COUNT", COUNT }, { "FULL", FULL }, { "END", END }, { "NFS", NFS },
  { "SLOW", SLOW },
  { "EACCES", EACCES }, { "EDQUOT", EDQUOT }, { "EEXIST", EEXIST }, { "EINVAL", EINVAL },
  { "EIO", EIO }, { "EMFILE", EMFILE }, { "ENAMETOOLONG", ENAMETOOLONG }, { "ENFILE", ENFILE },
  { "ENOENT", ENOENT }, { "ENOLCK", ENOLCK }, { "ENOMEM", ENOMEM }, { "ENOSPC", ENOSPC },
  { "ENOSYS", ENOSYS }, { "ENOTSUP", ENOTSUP }, { "EPERM", EPERM }, { "EROFS", EROFS },
};

static void parse (fault *f, char *word) {
  char *value = strchr(word, '='), *at = strchr(word, '@'), *done = strchr(word, '!');
  if (!value) abort();
  *value++ = '\0';
  if (at) {
    *at = '\0';
    f->nth = (int)strtol(at + 1, NULL, 10);
    f->after = strchr(at + 1, '+') != NULL;
  }
  if (done) { *done = '\0'; f->done = 1; }
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (strcmp(value, errors[i].name) == 0) f->err = errors[i].number;
  if (!f->err || strlen(word) >= sizeof f->call) abort();
  (void)snprintf(f->call, sizeof f->call, "%s", word);
}

void faults_begin (void);
__attribute__((constructor)) void faults_begin (void) {
  char *list = getenv("FAULTS"), *rest = NULL, *word;
  int n = 0;
  memset(faults, 0, sizeof faults);
  under = getenv("FAULTS_UNDER");
  if (!list || !under || !(list = strdup(list))) return;
  for (word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
    if (n == MOST) abort();
    parse(&faults[n++], word);
  }
  free(list);
}

int faults_calls (void);
int faults_calls (void) { return faults[0].calls; }

/* The fault that this call on this file meets, or NULL. */
static fault *met (const char *call, const char *path) {
  if (!under || strncmp(path, under, strlen(under)) != 0) return NULL;
  for (fault *f = faults; f < faults + MOST; f++)
    if (strcmp(f->call, call) == 0) {
      int n = ++f->calls;
      if (n == f->nth || (n > f->nth && (f->after || !f->nth))) return f;
    }
  return NULL;
}

static fault *met_fd (const char *call, int fd) {
  char name[32], path[4096];
  ssize_t n;
  int before = errno;
  (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  n = readlink(name, path, sizeof path - 1);
  errno = before;
  if (n < 0) return NULL;
  path[n] = '\0';
  return met(call, path);
}

#define REAL(name) \
  static __typeof__(&(name)) real; \
  if (!real) real = (__typeof__(&(name)))dlsym(RTLD_NEXT, #name)

#define MEET(found, call) do { \
  fault *faulty = found; \
  if (faulty) { if (faulty->done) (void)(call); errno = faulty->err; return -1; } \
  return call; } while (0)

int open (const char *path, int flags, ...) {
  mode_t mode = 0;
  REAL(open);
  if (flags & O_CREAT) {
    va_list args;
    va_start(args, flags);
    mode = (mode_t)va_arg(args, int);
    va_end(args);
  }
  MEET(met(flags & O_DIRECTORY ? "opendir" : "open", path), real(path, flags, mode));
}

int open64 (const char *path, int flags, ...) {
  mode_t mode = 0;
  REAL(open64);
  if (flags & O_CREAT) {
    va_list args;
    va_start(args, flags);
    mode = (mode_t)va_arg(args, int);
    va_end(args);
  }
  MEET(met("open", path), real(path, flags, mode));
}

int close (int fd) {           /* as the kernel does: gone, whatever it says */
  REAL(close);
  fault *f = met_fd("close", fd);
  int result = real(fd);
  if (!f) return result;
  errno = f->err;
  return -1;
}

ssize_t write (int fd, const void *data, size_t size) {
  fault *f = met_fd("write", fd);
  REAL(write);
  if (f && f->err == SLOW) {
    usleep(100000);
    f = NULL;
  }
  MEET(f, real(fd, data, size));
}

static ssize_t not_read (const fault *f) {
  if (f->err == END) return 0;
  errno = f->err;
  return -1;
}

ssize_t read (int fd, void *to, size_t size) {
  REAL(read);
  fault *f = met_fd("read", fd);
  return f ? not_read(f) : real(fd, to, size);
}

ssize_t pread (int fd, void *to, size_t size, off_t at) {
  REAL(pread);
  fault *f = met_fd("read", fd);
  return f ? not_read(f) : real(fd, to, size, at);
}

ssize_t pread64 (int fd, void *to, size_t size, off64_t at) {
  REAL(pread64);
  fault *f = met_fd("read", fd);
  return f ? not_read(f) : real(fd, to, size, at);
}

ssize_t pwrite64 (int fd, const void *data, size_t size, off64_t at) {
  REAL(pwrite64);
  MEET(met_fd("write", fd), real(fd, data, size, at));
}

off_t lseek (int fd, off_t to, int from) {
  REAL(lseek);
  MEET(met_fd("lseek", fd), real(fd, to, from));
}

int ftruncate (int fd, off_t size) {
  REAL(ftruncate);
  MEET(met_fd("ftruncate", fd), real(fd, size));
}

int flock (int fd, int how);
int flock (int fd, int how) { REAL(flock); MEET(met_fd("flock", fd), real(fd, how)); }

int fsync (int fd) { REAL(fsync); MEET(met_fd("fsync", fd), real(fd)); }

int fdatasync (int fd) { REAL(fdatasync); MEET(met_fd("fsync", fd), real(fd)); }

/* SQLite's by the one name, ours by the other. */
int fcntl64 (int fd, int command, ...) {
  void *argument;
  va_list args;
  REAL(fcntl64);
  va_start(args, command);
  argument = va_arg(args, void *);
  va_end(args);
  int locks = command == F_SETLK && ((struct flock *)argument)->l_type != F_UNLCK;
  MEET(locks ? met_fd("lock", fd) : NULL, real(fd, command, argument));
}

int fcntl (int fd, int command, ...) {
  void *argument;
  va_list args;
  REAL(fcntl);
  va_start(args, command);
  argument = va_arg(args, void *);
  va_end(args);
  MEET(command == F_SETLK ? met_fd("lock", fd) : NULL, real(fd, command, argument));
}

int link (const char *from, const char *to) {
  REAL(link);
  MEET(met("link", to), real(from, to));
}

int rename (const char *from, const char *to) {
  REAL(rename);
  MEET(met("rename", to), real(from, to));
}

int renameat2 (int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
  REAL(renameat2);
  MEET(met("renameat2", to), real(from_dir, from, to_dir, to, flags));
}

int fsetxattr (int fd, const char *name, const void *value, size_t size, int flags);
int fsetxattr (int fd, const char *name, const void *value, size_t size, int flags) {
  REAL(fsetxattr);
  MEET(met_fd("fsetxattr", fd), real(fd, name, value, size, flags));
}

ssize_t fgetxattr (int fd, const char *name, void *value, size_t size);
ssize_t fgetxattr (int fd, const char *name, void *value, size_t size) {
  REAL(fgetxattr);
  MEET(met_fd("fgetxattr", fd), real(fd, name, value, size));
}

static void confuse (fault *f, struct stat *st) {
  static _Atomic ino_t next = 1000000;
  if (!f || !S_ISREG(st->st_mode)) return;
  if (f->err == NUMBER) st->st_ino = next++;
  else st->st_nlink = 0;
}

int lstat (const char *path, struct stat *st) {
  REAL(lstat);
  int result = real(path, st);
  if (result == 0) confuse(met("stat", path), st);
  return result;
}

int fstat (int fd, struct stat *st) {
  REAL(fstat);
  int result = real(fd, st);
  if (result == 0) confuse(met_fd("stat", fd), st);
  return result;
}

int fstatvfs (int fd, struct statvfs *fs) {
  REAL(fstatvfs);
  int result = real(fd, fs);
  if (result == 0 && met_fd("statvfs", fd)) fs->f_bavail = 0;
  return result;
}

int statfs (const char *path, struct statfs *fs) {
  REAL(statfs);
  int result = real(path, fs);
  if (result == 0 && met("statfs", path)) fs->f_type = 0x6969;
  return result;
}
