/*
** sink_name.c: what a .part is called, and whose it is.
*/
#include "system.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__) || defined(__APPLE__)
#include <sys/xattr.h>
#endif

#include "sink_name.h"

#define MARK "user.runway.part"

/* Room for the end of the longest: ".<16 digits>.runway-99.part". */
#define MAX_END 64


/* Where a name may be cut, at or before `at`: not within a character. */
static size_t cut_before (const char *text, size_t at) {
  for (int i = 0; i < 3 && at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80; i++)
    at--;
  return at;
}


static uint64_t name_hash (const char *text) {     /* FNV-1a */
  uint64_t h = 14695981039346656037u;
  for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
  return h;
}


char *rw_sink_name (const char *path, int n, bool shorter) {
  const char *slash = strrchr(path, '/');
  const char *base = slash ? slash + 1 : path;
  size_t len = strlen(base), room;
  char hash[32] = "", number[16] = "", end[MAX_END], *name;
  if (shorter)
    (void)snprintf(hash, sizeof hash, ".%016llx",
                   (unsigned long long)name_hash(base));
  if (n > 1) (void)snprintf(number, sizeof number, "-%d", n);
  (void)snprintf(end, sizeof end, "%s%s%s.part", hash, n ? ".runway" : "", number);
  /* a character for each that is added */
  for (size_t i = shorter ? strlen(end) : 0; i > 0 && len > 0; i--)
    len = cut_before(base, len - 1);
  len += (size_t)(base - path);
  room = len + strlen(end) + 1;
  name = malloc(room);
  if (name) {
    memcpy(name, path, len);
    memcpy(name + len, end, room - len);
  }
  return name;
}


#if defined(__linux__)

bool rw_sink_mark (int fd, const char *text) {
  return fsetxattr(fd, MARK, text, strlen(text), 0) == 0;
}
void rw_sink_unmark (int fd) { (void)fremovexattr(fd, MARK); }
static ssize_t get_mark (int fd, char *to, size_t room) {
  return fgetxattr(fd, MARK, to, room);
}
#define NO_MARK ENODATA

#elif defined(__APPLE__)

bool rw_sink_mark (int fd, const char *text) {
  return fsetxattr(fd, MARK, text, strlen(text), 0, 0) == 0;
}
void rw_sink_unmark (int fd) { (void)fremovexattr(fd, MARK, 0); }
static ssize_t get_mark (int fd, char *to, size_t room) {
  return fgetxattr(fd, MARK, to, room, 0, 0);
}
#define NO_MARK ENOATTR

#else

bool rw_sink_mark (int fd, const char *text) { (void)fd; (void)text; return false; }
void rw_sink_unmark (int fd) { (void)fd; }
static ssize_t get_mark (int fd, char *to, size_t room) {
  (void)fd; (void)to; (void)room;
  return -1;
}
#define NO_MARK (-1)                   /* never the reason: there are no marks */

#endif


bool rw_sink_read_mark (int fd, char *text, size_t room) {
  ssize_t n = get_mark(fd, text, room - 1);
  if (n < 0) return false;
  text[n] = '\0';
  return true;
}


bool rw_sink_is_ours (int fd, const struct stat *st, bool named) {
  if (st->st_uid != geteuid()) return false;
  errno = 0;
  return get_mark(fd, NULL, 0) >= 0 || (named && errno != NO_MARK);
}
