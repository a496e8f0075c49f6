/*
** sink.c: a file that appears whole or not at all.
*/
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "sink.h"
#include "sink_name.h"
#include "sink_place.h"


static const char creating[] = "create the .part file beside the target";


static int failed (rw_sink *s, const char *what, int err) {
  s->what = what;
  return err;
}


/* Is the file we hold open the one of this name? */
static bool is_at (const rw_sink *s, const char *name) {
  struct stat held, named;
  return fstat(s->fd, &held) == 0 && lstat(name, &named) == 0 &&
         named.st_ino == held.st_ino && named.st_dev == held.st_dev;
}


static bool is_plain_file (const char *name) {
  struct stat st;
  return lstat(name, &st) == 0 && S_ISREG(st.st_mode);
}


/* 0 when the .part is still a plain file, of one name, and that its own. No
** names at all may be what a file system says that does not count them. */
static int check_part (rw_sink *s) {
  struct stat held;
  if (fstat(s->fd, &held) != 0) return failed(s, "look at the .part", errno);
  if (!S_ISREG(held.st_mode) || held.st_nlink > 1)
    return failed(s, "use a .part that is not a plain file", EINVAL);
  if (!is_at(s, s->part) && !(s->unnumbered && is_plain_file(s->part)))
    return failed(s, "find the .part again, it was moved or deleted", ENOENT);
  return 0;
}


/*
** {=================================================================
** Opening
** ==================================================================
*/

/* How many names are tried where others' files lie. */
#define MAX_NAMES 100

/* O_NONBLOCK: a FIFO put there must not hang us; it changes no plain file */
#define OPEN_FLAGS (O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* Not an errno value: this name is another's, try the next. */
#define NEXT (-1)


static void let_go (rw_sink *s) {
  if (s->fd >= 0) close(s->fd);
  s->fd = -1;
  s->noted = false;
  s->old.have = 0;
  free(s->part);
  s->part = NULL;
}


/* Makes the n-th .part: 0, EEXIST when something is there, or another error. */
static int make_part (rw_sink *s, int n) {
  for (int shorter = 0; shorter < 2; shorter++) {
    free(s->part);
    s->part = rw_sink_name(s->path, n, shorter);
    if (!s->part) return failed(s, "hold the name of the .part", ENOMEM);
    s->fd = open(s->part, OPEN_FLAGS | O_CREAT | O_EXCL, 0666);
    if (s->fd >= 0) break;
    if (errno != ENAMETOOLONG)
      return failed(s, creating, errno);
  }
  if (s->fd < 0)
    return failed(s, creating, ENAMETOOLONG);
  /* marked before it is locked: who takes it from us meanwhile may have it */
  if (!rw_sink_mark(s->fd, "1") && n == 0) {
    (void)unlink(s->part);
    return NEXT;
  }
  /* we have just made what is there: where its number is not the same by its
  ** name, numbers say nothing */
  s->unnumbered = !is_at(s, s->part) && is_plain_file(s->part);
  return 0;
}


/* Opens what is at the name of the .part, if it is ours. */
static int find_part (rw_sink *s, int n) {
  struct stat st;
  s->fd = open(s->part, OPEN_FLAGS);
  if (s->fd < 0 && (errno == EACCES || errno == EPERM || errno == ENOENT))
    return NEXT;
  if (s->fd < 0)
    return failed(s, "use what is in the place of the .part file", errno);
  if (fstat(s->fd, &st) != 0) return failed(s, "look at the .part", errno);
  if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
    return failed(s, "use a .part that is not a plain file", EINVAL);
  s->found = true;
  return rw_sink_is_ours(s->fd, &st, n > 0) ? 0 : NEXT;
}


/* Whose download has just been given up lets go of its .part a moment later; so who
** may wait, and can be told to stop, does that for half a second. */
static bool lock_part (const rw_sink *s) {
  static const struct timespec pause = {.tv_nsec = 20000000};
  int tries = s->stop ? 25 : 0;
  while (flock(s->fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || tries-- == 0 || atomic_load(s->stop)) return false;
    (void)nanosleep(&pause, NULL);
  }
  return true;
}


static int try_part (rw_sink *s, int n) {
  int err;
  s->found = s->unnumbered = false;
  err = make_part(s, n);
  if (err == EEXIST) err = find_part(s, n);
  if (err) return err;
  if (!lock_part(s)) {
    if (errno == EWOULDBLOCK)
      return failed(s, "lock the .part file (is another program writing it?)",
                    EBUSY);
    if (s->found) return NEXT;         /* no locks here: someone may write it */
  }
  /* given its final name, or removed, before we had the lock */
  err = check_part(s);
  return err == ENOENT ? NEXT : err;
}


int rw_sink_open (rw_sink *s) {
  int err = rw_place_look(s->path, s->overwrite, &s->what);
  if (err) return err;
  for (int n = 0; n < MAX_NAMES; n++) {
    err = try_part(s, n);
    if (!err) return 0;
    let_go(s);                         /* not ours to remove */
    if (err != NEXT) return err;
  }
  return failed(s, "find a name for the .part file, too many are there", EBUSY);
}

/* A full disk still makes files, and shows at the first byte. What a crash has
** left keeps its bytes: it holds room of its own. */
int rw_sink_try (rw_sink *s) {
  int err = rw_sink_open(s);
  if (!err && !s->found) err = rw_sink_write(s, "", 1);
  rw_sink_abandon(s);
  return err;
}

/* }================================================================= */


/*
** {=================================================================
** Writing it, from the start or from where it broke off
** ==================================================================
*/

void rw_sink_recall (rw_sink *s, char *start, size_t room) {
  rw_note note;
  s->old = (rw_recall){.start = start, .room = room};
  if (!s->found || !rw_note_read(s->fd, s->source, &note)) return;
  if (!rw_note_recall(s->fd, note.safe, &s->old, s->stop) ||
      s->old.have <= RW_OVERLAP || (note.total >= 0 && s->old.have > note.total))
    s->old.have = 0;
  s->note = note;
}


/* What a crash has left goes when the first byte comes, and not by a look. */
static int empty_part (rw_sink *s) {
  if (s->found && (ftruncate(s->fd, 0) != 0 || lseek(s->fd, 0, SEEK_SET) != 0))
    return failed(s, "empty the .part file", errno);
  s->found = false;
  return 0;
}


static const char sink_too_large[] = "keep a file larger than max_bytes";

/* 0 when a file of that length may be, and finds room beside what it has already. */
static int check_room (rw_sink *s, int64_t size) {
  struct statvfs fs;
  struct stat st;
  int64_t room;
  if (s->max_bytes > 0 && size > s->max_bytes)
    return failed(s, sink_too_large, EOVERFLOW);
  if (size < 0 || fstatvfs(s->fd, &fs) != 0 || fs.f_blocks == 0 ||
      fstat(s->fd, &st) != 0)
    return 0;
  room = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize + (int64_t)st.st_blocks * 512;
  return size > room ? failed(s, "find room for the file", ENOSPC) : 0;
}


int rw_sink_begin (rw_sink *s, const rw_note *note) {
  int err = check_room(s, note->total);
  if (!err) err = empty_part(s);
  if (err) return err;
  s->old.have = 0;
  s->again = 0;
  s->written = 0;
  rw_sha256_begin(&s->sum);
  s->note = *note;
  s->note.safe = 0;
  s->noted = rw_note_write(s->fd, s->source, &s->note);
  return 0;
}


int rw_sink_go_on (rw_sink *s, int64_t total) {
  int err = check_room(s, total);
  if (err) return err;
  if (ftruncate(s->fd, s->old.have) != 0 ||
      lseek(s->fd, s->old.have, SEEK_SET) != s->old.have)
    return failed(s, "go on with the .part file", errno);
  s->found = false;
  s->noted = true;
  s->written = s->old.have;
  s->sum = s->old.sum;
  s->again = RW_OVERLAP;
  return 0;
}


/* The end of what was there, once more. */
static int compare (rw_sink *s, const char **p, size_t *len) {
  size_t n = *len < s->again ? *len : s->again;
  if (memcmp(s->old.tail + RW_OVERLAP - s->again, *p, n) != 0)
    return failed(s, "go on with the .part, the file at the server differs", EILSEQ);
  s->again -= n;
  *p += n;
  *len -= n;
  return 0;
}


int rw_sink_write (rw_sink *s, const void *data, size_t len) {
  const char *p = data;
  int err = s->again > 0 ? compare(s, &p, &len) : empty_part(s);
  if (err) return err;
  if (s->max_bytes > 0 && (int64_t)len > s->max_bytes - s->written)
    return failed(s, sink_too_large, EOVERFLOW);
  while (len > 0) {
    ssize_t n = write(s->fd, p, len);
    if (n < 0) {
      if (errno == EINTR) continue;
      return failed(s, "write the .part file", errno);
    }
    if (n == 0) return failed(s, "write the .part file", EIO);
    rw_sha256_add(&s->sum, p, (size_t)n);
    p += n;
    len -= (size_t)n;
    s->written += n;
  }
  return 0;
}

/* }================================================================= */


/*
** {=================================================================
** Giving it its name
** ==================================================================
*/

int rw_sink_commit (rw_sink *s) {
  int err = empty_part(s);
  if (!err && (err = rw_place_sync(s->fd)) != 0)
    (void)failed(s, "sync the file to disk", err);
  if (!err && (err = rw_place_taken(s->fd)) != 0)
    (void)failed(s, "close the .part file", err);
  if (!err) err = check_part(s);
  if (!err && s->stop && atomic_load(s->stop)) err = failed(s, "go on", ECANCELED);
  if (!err) err = rw_place_put(s->part, s->path, s->overwrite, &s->what);
  /* an answer lost on the way (NFS) makes what was done look refused */
  if (err && err != ECANCELED && is_at(s, s->path)) {
    if (is_at(s, s->part)) (void)unlink(s->part);
    err = 0;
  }
  if (err) {
    if (err != ECANCELED) s->noted = false;
    rw_sink_abandon(s);
    return err;
  }
  rw_sink_unmark(s->fd);
  let_go(s);
  rw_place_settle(s->path);
  return 0;
}


int rw_sink_put (rw_sink *s, const char *whole) {
  int64_t size;
  int fd = rw_file_open(whole, &size), err;
  if (fd < 0) return failed(s, "read what is to be put there", errno);
  err = rw_place_sync(fd);
  close(fd);
  if (err) return failed(s, "sync the file to disk", err);
  err = rw_place_put(whole, s->path, s->overwrite, &s->what);
  if (!err) rw_place_settle(s->path);
  return err;
}

/* }================================================================= */


/*
** {=================================================================
** Leaving it
** ==================================================================
*/

int64_t rw_sink_kept (const rw_sink *s) {
  int64_t there = s->found ? s->old.have : s->noted ? s->written : 0;
  return s->fd >= 0 && there > RW_OVERLAP ? there : 0;
}


void rw_sink_settle (rw_sink *s) {
  if (s->found || rw_sink_kept(s) == 0 || rw_place_sync(s->fd) != 0) return;
  s->note.safe = s->written;
  s->noted = rw_note_write(s->fd, s->source, &s->note);
}


void rw_sink_spoil (rw_sink *s) {
  s->found = s->noted = false;
}


void rw_sink_abandon (rw_sink *s) {
  if (s->fd >= 0 && !s->found && rw_sink_kept(s) == 0 && check_part(s) == 0)
    (void)unlink(s->part);
  let_go(s);
}


void rw_sink_free (rw_sink *s) {
  rw_sink_abandon(s);
  free(s->path);
  free(s->source);
  s->path = s->source = NULL;
}

/* }================================================================= */


/*
** {=================================================================
** What is said of a failure
** ==================================================================
*/

const char *rw_sink_code (int err, bool *permanent) {
  *permanent = err != EMFILE && err != ENFILE && err != EILSEQ;
  switch (err) {
    case EEXIST: return "exists";
    case EBUSY: return "locked";
    case ENOSPC: case EDQUOT: return "disk_full";
    case EMFILE: case ENFILE: return "descriptors";
    case EOVERFLOW: return "too_large";
    case EILSEQ: return "changed";
    default: return "file";
  }
}


/* Its directory is not there: which one, unless the path is too long to be shown. */
static bool tell_directory (const rw_sink *s, const char *path, int err, char *to,
                            size_t size) {
  const char *end = strrchr(path, '/');
  if (err != ENOENT || s->what != creating || !end || end == path ||
      strlen(s->path) >= RW_SHOWN_PATH)
    return false;
  (void)snprintf(to, size, "there is no directory %.*s%s: %s", (int)(end - path), path,
                 *path == '~' ? " (only a shell knows what ~ stands for)" : "",
                 strerror(err));
  return true;
}


void rw_sink_why (const rw_sink *s, int err, char *to, size_t size) {
  char path[RW_SHOWN_PATH];
  rw_file_show(s->path, path, sizeof path);
  if (tell_directory(s, path, err, to, size)) return;
  if (err == EILSEQ)
    (void)snprintf(to, size, "cannot %s", s->what);
  else
    (void)snprintf(to, size, "cannot %s: %s", s->what, strerror(err));
}


void rw_sink_tell (const rw_sink *s, int err, char *to, size_t size) {
  char path[RW_SHOWN_PATH], why[RW_SINK_WHY];
  rw_file_show(s->path, path, sizeof path);
  if (err == EOVERFLOW) {
    (void)snprintf(to, size, "%s is larger than max_bytes (%lld)", path,
                   (long long)s->max_bytes);
    return;
  }
  rw_sink_why(s, err, why, sizeof why);
  (void)snprintf(to, size, "%s: %s", path, why);
}

/* }================================================================= */
