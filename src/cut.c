/*
** cut.c: pictures that end too early.
**
** Each format says where it ends. What follows its own rules up to the last byte,
** and has not come to its end by then, was cut; what does not follow them is left
** to who reads it: programs that write pictures, and those that read them, are
** more generous than the formats.
*/
#include "system.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "cut.h"
#include "data_uri.h"


#define WINDOW 4096

/* A look at the bytes, a piece at a time. */
typedef struct {
  const rw_cut_bytes *from;
  uint64_t at;                 /* of the piece */
  size_t n;                    /* how long it is */
  unsigned char piece[WINDOW];
} cut_view;


static size_t of_file (int fd, uint64_t at, unsigned char *to, size_t n) {
  ssize_t got;
  do got = pread(fd, to, n, (off_t)at);
  while (got < 0 && errno == EINTR);
  return got < 0 ? 0 : (size_t)got;
}


/* Three bytes are four digits. */
static size_t of_digits (const rw_cut_bytes *from, uint64_t at, unsigned char *to,
                         size_t n) {
  char group[WINDOW + 2];
  size_t skipped = (size_t)(at % 3), got;
  rw_data_uri uri = {0};
  uri.digits = from->digits + at / 3 * 4;
  uri.len = (size_t)((from->size + 2) / 3 * 4 - at / 3 * 4);
  got = rw_data_uri_decode(&uri, group, skipped + n);
  if (got <= skipped) return 0;
  memcpy(to, group + skipped, got - skipped);
  return got - skipped;
}


/* The byte at a place; -1: there is none. */
static int byte_at (cut_view *v, uint64_t at) {
  if (at >= v->from->size) return -1;
  if (at < v->at || at - v->at >= v->n) {
    v->at = at;
    v->n = v->from->digits ? of_digits(v->from, at, v->piece, WINDOW)
                           : of_file(v->from->fd, at, v->piece, WINDOW);
    if (v->n == 0) return -1;
  }
  return v->piece[at - v->at];
}


/* `n` of them as a number, which is at least 2^32 where they are not all there. */
static uint64_t number_at (cut_view *v, uint64_t at, int n) {
  uint64_t number = 0;
  for (int i = 0; i < n; i++) {
    int b = byte_at(v, at + (uint64_t)i);
    if (b < 0) return UINT64_MAX;
    number = number << 8 | (uint64_t)b;
  }
  return number;
}


/*
** {=================================================================
** PNG: chunks, each a length, a name, so many bytes and a sum; the last is IEND
** ==================================================================
*/

#define IHDR 0x49484452
#define IEND 0x49454e44

static bool is_letters (uint64_t name) {
  for (int i = 0; i < 4; i++, name >>= 8) {
    unsigned letter = (unsigned)(name & 0xdf);           /* a capital */
    if (letter < 'A' || letter > 'Z') return false;
  }
  return true;
}


static const char *png_cut (cut_view *v) {
  static const char end[] = "its last chunk (IEND)";
  uint64_t at = 8, left = v->from->size;
  if (number_at(v, at + 4, 4) != IHDR) return NULL;
  for (;;) {
    uint64_t length, name;
    if (at > left || left - at < 12) return end;
    length = number_at(v, at, 4);
    name = number_at(v, at + 4, 4);
    if (!is_letters(name) || length > 0x7fffffff || name == IEND) return NULL;
    at += 12 + length;
  }
}

/* }================================================================= */


/*
** {=================================================================
** JPEG: segments, each with a length, up to the picture; in that no FF D9 stands
** but the one at its end
** ==================================================================
*/

#define MOST_SEGMENTS 1000     /* before the picture; more are no camera's */

static bool has_end (cut_view *v, uint64_t picture) {
  uint64_t end = v->from->size;
  while (end > picture) {                      /* the last piece first */
    uint64_t begin = end - picture > WINDOW ? end - WINDOW : picture;
    int before = byte_at(v, begin);
    for (uint64_t at = begin + 1; at < v->from->size && at <= end; at++) {
      int b = byte_at(v, at);
      if (before == 0xff && b == 0xd9) return true;
      before = b;
    }
    end = begin;
  }
  return false;
}


static const char *jpeg_cut (cut_view *v) {
  static const char end[] = "its end marker (EOI)";
  uint64_t at = 2;
  for (int segment = 0; segment < MOST_SEGMENTS; segment++) {
    int mark = byte_at(v, at), kind = byte_at(v, at + 1);
    uint64_t length = number_at(v, at + 2, 2);
    if (mark >= 0 && mark != 0xff) return NULL;
    if (kind == 0xff) {                        /* one more byte that fills */
      at++;
      continue;
    }
    if (kind == 0x01 || (kind >= 0xd0 && kind <= 0xd7)) { /* has no length */
      at += 2;
      continue;
    }
    if (kind == 0xd9 || kind == 0xd8 || kind == 0 || length < 2) return NULL;
    if (length > 0xffff) return segment > 0 ? end : NULL;  /* the file ends here */
    at += 2 + length;
    if (at > v->from->size) return end;
    if (kind == 0xda) return has_end(v, at) ? NULL : end;
  }
  return NULL;
}

/* }================================================================= */


/*
** {=================================================================
** GIF: blocks of blocks, up to a semicolon
** ==================================================================
*/

static uint64_t behind_colours (uint64_t at, int flags) {
  return flags & 0x80 ? at + ((uint64_t)3 << ((flags & 7) + 1)) : at;
}


static const char *gif_cut (cut_view *v) {
  static const char end[] = "its trailer";
  int b = byte_at(v, 10);
  uint64_t at = 13;
  if (v->from->size < at || b < 0) return NULL;
  at = behind_colours(at, b);
  for (;;) {
    b = byte_at(v, at);
    if (b < 0) return end;
    if (b == '!') at += 2;
    else if (b == ',') {
      b = byte_at(v, at + 9);
      if (b < 0) return end;
      at = behind_colours(at + 10, b) + 1;
    } else return NULL;                        /* a semicolon, or nothing known */
    while ((b = byte_at(v, at)) > 0) at += (uint64_t)b + 1;
    at++;
  }
}

/* }================================================================= */


/* Its header says how much follows. */
static const char *webp_cut (cut_view *v) {
  uint64_t length = 0;
  for (int i = 7; i >= 4; i--) length = length << 8 | number_at(v, (uint64_t)i, 1);
  length &= ~(uint64_t)1;                      /* what fills it up may be left out */
  return length > v->from->size - 8 ? "the end that its header names" : NULL;
}


const char *rw_cut_before (const rw_cut_bytes *from, const char *type) {
  cut_view v;
  v.from = from;
  v.at = v.n = 0;
  if (from->size < 12) return NULL;
  if (strcmp(type, "image/png") == 0) return png_cut(&v);
  if (strcmp(type, "image/jpeg") == 0) return jpeg_cut(&v);
  if (strcmp(type, "image/gif") == 0) return gif_cut(&v);
  if (strcmp(type, "image/webp") == 0) return webp_cut(&v);
  return NULL;
}
