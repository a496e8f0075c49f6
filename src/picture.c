/*
** picture.c: width and height of a picture by its header, and how it lies.
**
** A telephone writes what its sensor saw, and into the EXIF of the JPEG how it was
** held. Who shows the picture turns it, so its shape is that of the turned one.
*/
#include "system.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "picture.h"


/* Exactly these bytes of the file; false where it is shorter, or cannot be read. */
static bool picture_bytes (int fd, uint64_t at, unsigned char *to, size_t n) {
  ssize_t got;
  do got = pread(fd, to, n, (off_t)at);
  while (got < 0 && errno == EINTR);
  return got == (ssize_t)n;
}


static uint32_t big (const unsigned char *b, int n) {
  uint32_t v = 0;
  for (int i = 0; i < n; i++) v = v << 8 | b[i];
  return v;
}


static uint32_t little (const unsigned char *b, int n) {
  uint32_t v = 0;
  while (n > 0) v = v << 8 | b[--n];
  return v;
}


static bool of_png (int fd, rw_picture *p) {
  unsigned char b[12];
  if (!picture_bytes(fd, 12, b, sizeof b) || memcmp(b, "IHDR", 4) != 0) return false;
  p->width = big(b + 4, 4);
  p->height = big(b + 8, 4);
  return true;
}


/* Three forms: lossy, lossless, and either with more in it. */
static bool of_webp (int fd, rw_picture *p) {
  unsigned char b[18];
  uint32_t bits;
  if (!picture_bytes(fd, 12, b, sizeof b)) return false;
  if (memcmp(b, "VP8 ", 4) == 0 && memcmp(b + 11, "\x9d\x01\x2a", 3) == 0) {
    p->width = little(b + 14, 2) & 0x3fff;     /* above them: how it is scaled */
    p->height = little(b + 16, 2) & 0x3fff;
  } else if (memcmp(b, "VP8L", 4) == 0 && b[8] == 0x2f) {
    bits = little(b + 9, 4);
    p->width = (bits & 0x3fff) + 1;
    p->height = (bits >> 14 & 0x3fff) + 1;
  } else if (memcmp(b, "VP8X", 4) == 0) {
    p->width = little(b + 12, 3) + 1;
    p->height = little(b + 15, 3) + 1;
  } else return false;
  return true;
}


/*
** {=================================================================
** JPEG
** ==================================================================
*/

/* More segments before the picture are no camera's. */
#define MOST_SEGMENTS 1000

#define ORIENTATION 0x0112

/* How a picture lies by its EXIF, which fills the file from `at` to `end`: a TIFF
** file, whose first directory says it. 1 where it does not. */
static unsigned turn_of (int fd, uint64_t at, uint64_t end) {
  unsigned char b[12];
  uint32_t (*number)(const unsigned char *, int);
  uint64_t entry;
  uint32_t left;
  if (end - at < 14 || !picture_bytes(fd, at, b, 8)) return 1;
  if (memcmp(b, "MM\0*", 4) == 0) number = big;
  else if (memcmp(b, "II*\0", 4) == 0) number = little;
  else return 1;
  entry = at + number(b + 4, 4);
  if (entry + 2 > end || !picture_bytes(fd, entry, b, 2)) return 1;
  left = number(b, 2);
  for (entry += 2; left > 0 && entry + 12 <= end; left--, entry += 12) {
    if (!picture_bytes(fd, entry, b, 12)) return 1;
    if (number(b, 2) != ORIENTATION) continue;
    left = number(b + 8, 2);
    return number(b + 2, 2) == 3 && left >= 1 && left <= 8 ? left : 1;
  }
  return 1;
}


static bool is_frame (unsigned marker) {       /* tables have some of the numbers */
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
         marker != 0xcc;
}


static bool of_jpeg (int fd, rw_picture *p) {
  unsigned char b[10];
  uint64_t at = 2;
  for (int left = MOST_SEGMENTS; left > 0; left--) {
    uint64_t end;
    if (!picture_bytes(fd, at, b, 4) || b[0] != 0xff) return false;
    if (b[1] == 0xff) {                        /* one more byte that fills */
      at++;
      continue;
    }
    if (b[1] == 0x01 || (b[1] >= 0xd0 && b[1] <= 0xd7)) {   /* has no length */
      at += 2;
      continue;
    }
    if (b[1] == 0xd8 || b[1] == 0xd9 || b[1] == 0xda || big(b + 2, 2) < 2) return false;
    end = at + 2 + big(b + 2, 2);
    if (is_frame(b[1])) {
      if (end - at < 9 || !picture_bytes(fd, at, b, 9)) return false;
      p->height = big(b + 5, 2);
      p->width = big(b + 7, 2);
      return true;
    }
    if (b[1] == 0xe1 && end - at >= 10 && picture_bytes(fd, at, b, 10) &&
        memcmp(b + 4, "Exif\0\0", 6) == 0)
      p->turn = turn_of(fd, at + 10, end);
    at = end;
  }
  return false;
}

/* }================================================================= */


bool rw_picture_read (int fd, const char *type, rw_picture *p) {
  bool known = false;
  p->width = p->height = 0;
  p->turn = 1;
  if (strcmp(type, "image/png") == 0) known = of_png(fd, p);
  else if (strcmp(type, "image/jpeg") == 0) known = of_jpeg(fd, p);
  else if (strcmp(type, "image/webp") == 0) known = of_webp(fd, p);
  if (!known || p->width == 0 || p->height == 0) return false;
  if (p->turn >= 5) {                          /* these lie on a side */
    uint32_t width = p->width;
    p->width = p->height;
    p->height = width;
  }
  return true;
}
