/*
** media.c: local pictures, films and sounds; their type from their bytes.
*/
#include "system.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "cut.h"
#include "file.h"
#include "media.h"
#include "picture.h"
#include "sniff.h"


/* Reads until `want` bytes or the end; -1 with errno set. */
static ssize_t media_read (int fd, char *to, size_t want) {
  size_t got = 0;
  while (got < want) {
    ssize_t n = read(fd, to + got, want - got);
    if (n < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    if (n == 0) break;
    got += (size_t)n;
  }
  return (ssize_t)got;
}


/*
** {=================================================================
** Sounds in the container of films
** ==================================================================
*/

/* More boxes than these are no one's idea of a few tracks. */
#define MOST_BOXES 500

typedef struct {
  int fd, left;                /* boxes that may still be looked at */
  bool film, sound;            /* tracks of these are there */
} media_tracks;


/* Looks at the boxes from `at` to `end`, and into those that lead to a track's
** kind: moov, trak, mdia, hdlr. */
static void find_tracks (media_tracks *t, int64_t at, int64_t end) {
  while (end - at >= 8 && t->left-- > 0) {
    unsigned char b[32];
    ssize_t n = pread(t->fd, b, sizeof b, (off_t)at);
    uint64_t size;
    int body = 8;
    if (n < 8) return;
    size = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
    if (size == 1 && n >= 16) {
      size = 0;
      for (body = 8; body < 16; body++) size = size << 8 | b[body];
    } else if (size == 0) {
      size = (uint64_t)(end - at);
    }
    if (size < (uint64_t)body || size > (uint64_t)(end - at)) return;
    if (memcmp(b + 4, "moov", 4) == 0 || memcmp(b + 4, "trak", 4) == 0 ||
        memcmp(b + 4, "mdia", 4) == 0)
      find_tracks(t, at + body, at + (int64_t)size);
    else if (memcmp(b + 4, "hdlr", 4) == 0 && n >= body + 12) {
      t->film = t->film || memcmp(b + body + 8, "vide", 4) == 0;
      t->sound = t->sound || memcmp(b + body + 8, "soun", 4) == 0;
    }
    at += (int64_t)size;
  }
}


/* Recorders write sounds under the brands of films; the tracks tell. */
static const char *of_tracks (int fd, int64_t size, const char *type) {
  media_tracks t = {fd, MOST_BOXES, false, false};
  if (strcmp(type, "video/mp4") != 0) return type;
  find_tracks(&t, 0, size);
  return t.sound && !t.film ? "audio/mp4" : type;
}

/* }================================================================= */


int rw_media_open (const char *path, int64_t *size, const char **type, bool *moves,
                   rw_error *e) {
  char head[RW_SNIFF], shown[RW_SHOWN_PATH];
  ssize_t n;
  int fd = rw_file_open(path, size), err = errno;
  rw_file_show(path, shown, sizeof shown);
  if (fd < 0) {
    if (err == EINVAL) rw_fail(e, RW_INVALID, "not_a_file", "%s is not a plain file", shown);
    else rw_fail(e, RW_IO, rw_file_none_left(err) ? "descriptors" : "open",
                 "cannot open %s: %s", shown, strerror(err));
    e->permanent = !rw_file_none_left(err);
    return -1;
  }
  if (*size == 0) {
    rw_fail(e, RW_INVALID, "empty_file", "%s is empty", shown);
  } else if ((n = media_read(fd, head, sizeof head)) < 0) {
    rw_fail(e, RW_IO, "read", "cannot read %s: %s", shown, strerror(errno));
  } else if ((*type = rw_sniff_media(head, (size_t)n)) == NULL) {
    rw_fail(e, RW_INVALID, "not_media",
            "%s is not a picture, film or sound that is known by its bytes",
            shown);
  } else {
    if (moves) *moves = rw_sniff_moves(head, (size_t)n);
    *type = of_tracks(fd, *size, *type);
    return fd;
  }
  close(fd);
  return -1;
}


void rw_media_probe (rw_request *r) {
  const char *type = NULL;
  int fd = rw_media_open(r->file, &r->media_size, &type, &r->media_moves, &r->error);
  if (fd < 0) return;
  if (!rw_picture_read(fd, type, &r->picture)) r->picture.width = 0;
  r->media_cut = rw_cut_before(&(rw_cut_bytes){fd, NULL, (uint64_t)r->media_size}, type);
  close(fd);
  strncpy(r->media_type, type, sizeof r->media_type - 1);
}
