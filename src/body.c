/*
** body.c: a request's parts as the bytes that leave.
**
** Where it stands is a part and a place in that; from the place in a file's data URI
** follows which bytes of the file are the next. So nothing is left over between two
** calls, and it can be begun anew.
*/
#include "system.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base64.h"
#include "body.h"
#include "file.h"
#include "media.h"

#define BODY_PIECE (24 * 1024) /* of a file, read at once: a multiple of 3, so that
                                  padding is at its end only */

static const char body_begins[] = "data:", body_ends[] = ";base64,";


static size_t head_length (const rw_part *p) {
  return sizeof body_begins - 1 + strlen(p->type) + sizeof body_ends - 1;
}


static int64_t part_length (const rw_part *p) {
  if (p->text) return (int64_t)p->len;
  return (int64_t)head_length(p) + RW_BASE64_LENGTH(p->size);
}


bool rw_body_open (rw_request *r) {
  for (size_t i = 0; i < r->nparts; i++) {
    rw_part *p = &r->parts[i];
    if (p->text) continue;
    p->fd = rw_media_open(p->path, &p->size, &p->type, NULL, &r->error);
    if (p->fd < 0) return false;
  }
  return true;
}


void rw_body_close (rw_request *r) {
  for (size_t i = 0; i < r->nparts; i++) {
    if (r->parts[i].fd >= 0) close(r->parts[i].fd);
    r->parts[i].fd = -1;
  }
}


int64_t rw_body_files (const rw_request *r) {
  int64_t size = 0;
  for (size_t i = 0; i < r->nparts; i++) size += r->parts[i].size;
  return size;
}


int64_t rw_body_length (const rw_request *r) {
  int64_t length = 0;
  for (size_t i = 0; i < r->nparts; i++) length += part_length(&r->parts[i]);
  return length;
}


void rw_body_rewind (rw_request *r) {
  r->leaving = 0;
  r->leaving_at = 0;
}


/*
** {=================================================================
** Files
** ==================================================================
*/

static bool body_unreadable (rw_request *r, const rw_part *p, int err) {
  char shown[RW_SHOWN_PATH];
  rw_file_show(p->path, shown, sizeof shown);
  if (err) rw_fail(&r->error, RW_IO, "read", "cannot read %s: %s", shown, strerror(err));
  else rw_fail(&r->error, RW_IO, "changed", "%s changed while it was read", shown);
  return false;
}


/* All of `n` bytes of a file, which is still as long as it was when they are its last. */
static bool read_piece (rw_request *r, const rw_part *p, int64_t at, unsigned char *to,
                        size_t n) {
  struct stat st;
  while (n > 0) {
    ssize_t got = pread(p->fd, to, n, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return body_unreadable(r, p, got < 0 ? errno : 0);
    to += got;
    at += got;
    n -= (size_t)got;
  }
  if (at == p->size && fstat(p->fd, &st) == 0 && st.st_size != p->size)
    return body_unreadable(r, p, 0);
  return true;
}


/* How the data URI begins. */
static size_t give_head (const rw_part *p, size_t at, char *to, size_t room) {
  char head[RW_MEDIA_TYPE + sizeof body_begins + sizeof body_ends];
  size_t n = (size_t)snprintf(head, sizeof head, "%s%s%s", body_begins, p->type, body_ends);
  n = n - at < room ? n - at : room;
  memcpy(to, head + at, n);
  return n;
}


/* Whole groups of four digits, from the first of one on. */
static ssize_t give_groups (rw_request *r, const rw_part *p, int64_t at, char *to,
                            size_t room) {
  unsigned char piece[BODY_PIECE];
  size_t n = room / 4 * 3 < sizeof piece ? room / 4 * 3 : sizeof piece;
  if ((int64_t)n > p->size - at) n = (size_t)(p->size - at);
  if (!read_piece(r, p, at, piece, n)) return -1;
  rw_base64_write(to, piece, n);
  return (ssize_t)RW_BASE64_LENGTH(n);
}


/* Digits of one group. */
static ssize_t give_digits (rw_request *r, const rw_part *p, int64_t at, size_t skip,
                            char *to, size_t room) {
  char group[4];
  size_t n = sizeof group - skip < room ? sizeof group - skip : room;
  if (give_groups(r, p, at, group, sizeof group) < 0) return -1;
  memcpy(to, group + skip, n);
  return (ssize_t)n;
}


static ssize_t give_file (rw_request *r, const rw_part *p, char *to, size_t room) {
  size_t head = head_length(p), skip;
  int64_t digits = r->leaving_at - (int64_t)head;
  if (digits < 0) return (ssize_t)give_head(p, (size_t)r->leaving_at, to, room);
  skip = (size_t)(digits % 4);
  return skip > 0 || room < 4 ? give_digits(r, p, digits / 4 * 3, skip, to, room)
                              : give_groups(r, p, digits / 4 * 3, to, room);
}

/* }================================================================= */


static size_t give_text (const rw_part *p, size_t at, char *to, size_t room) {
  size_t n = p->len - at < room ? p->len - at : room;
  memcpy(to, p->text + at, n);
  return n;
}


ssize_t rw_body_read (rw_request *r, char *to, size_t room) {
  size_t given = 0;
  while (given < room && r->leaving < r->nparts) {
    const rw_part *p = &r->parts[r->leaving];
    size_t left = room - given;
    ssize_t n;
    if (r->leaving_at == part_length(p)) {
      r->leaving++;
      r->leaving_at = 0;
      continue;
    }
    n = p->text ? (ssize_t)give_text(p, (size_t)r->leaving_at, to + given, left)
                : give_file(r, p, to + given, left);
    if (n < 0) return -1;
    r->leaving_at += n;
    given += (size_t)n;
  }
  return (ssize_t)given;
}
