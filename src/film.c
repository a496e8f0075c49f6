/*
** film.c: the boxes that follow each other in an MP4 or QuickTime film
** (ISO/IEC 14496-12, 4.2), each with its length in front.
*/
#include "system.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "film.h"

#define LONGEST_WALK 100000      /* of a film in fragments: a day's */


static uint64_t big_endian_of (const unsigned char *b, int n) {
  uint64_t value = 0;
  for (int i = 0; i < n; i++) value = value << 8 | b[i];
  return value;
}


/* Is this a box as they stand in no other? Of what is none nothing follows. */
static bool is_outermost (const unsigned char *name) {
  static const char *const names[] = {
    "ftyp", "styp", "moov", "moof", "mdat", "mfra", "sidx", "ssix", "meta", "free", "skip",
    "wide", "uuid", "pdin", "prft", "emsg",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (memcmp(name, names[i], 4) == 0) return true;
  return false;
}


int64_t rw_film_lacks (int fd, int64_t size) {
  int64_t at = 0;
  for (int i = 0; i < LONGEST_WALK && at < size; i++) {
    unsigned char b[16] = {0};
    ssize_t n = pread(fd, b, sizeof b, (off_t)at);
    uint64_t length;
    if (n < 8 || !is_outermost(b + 4) || (i == 0 && memcmp(b + 4, "ftyp", 4) != 0)) return 0;
    length = big_endian_of(b, 4);
    if (length == 0) return 0;           /* up to the end, wherever that is */
    if (length == 1) length = n < 16 ? 0 : big_endian_of(b + 8, 8);
    if (length < 8 || length > INT64_MAX / 2) return 0;
    at += (int64_t)length;
  }
  return at > size ? at - size : 0;
}
