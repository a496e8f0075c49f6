/*
** unpack.c: an answer's bytes without what they are wrapped in, by the decoders
** that libcurl has brought along.
**
** gzip and zstd are known by how they begin, labelled or not; deflate and br by
** their label alone, and only where the bytes bear it out. Of what was cut off
** or is broken further on, the beginning counts: it may name a task.
*/
#include "system.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "beside.h"
#include "header.h"
#include "sniff.h"
#include "unpack.h"

#define PIECE 16384            /* bytes unpacked at a time */
#define MOST_CODINGS 8         /* one within the other */
#define GZIP_WINDOW 31         /* zlib's names for the three forms that it reads */
#define ZLIB_WINDOW 15
#define BARE_WINDOW (-15)

/* zlib.h, as it has been since 1995; zlib itself compares version and size. */
typedef struct unpack_z {
  const unsigned char *next_in;
  unsigned avail_in;
  unsigned long total_in;
  unsigned char *next_out;
  unsigned avail_out;
  unsigned long total_out;
  const char *message;
  void *state, *alloc, *release, *opaque;
  int data_type;
  unsigned long check, reserved;
} unpack_z;

/* zstd.h */
typedef struct unpack_zstd_buffer {
  const void *data;
  size_t size, at;
} unpack_zstd_buffer;

/* The functions, where libcurl has that coding; `ready` if none is missing. */
static struct {
  pthread_once_t once;
  bool ready, has_zlib, has_br, has_zstd;
  char offer[64];
  int (*z_begin)(unpack_z *, int window, const char *version, int size);
  int (*z_on)(unpack_z *, int flush);
  int (*z_again)(unpack_z *);
  int (*z_end)(unpack_z *);
  void *(*br_begin)(void *, void *, void *);
  int (*br_on)(void *, size_t *, const uint8_t **, size_t *, uint8_t **, size_t *);
  void (*br_end)(void *);
  void *(*zstd_begin)(void);
  size_t (*zstd_on)(void *, unpack_zstd_buffer *to, unpack_zstd_buffer *from);
  unsigned (*zstd_failed)(size_t);
  size_t (*zstd_end)(void *);
} unpack = {.once = PTHREAD_ONCE_INIT};


#define look_for(list)  rw_beside_curl(list, sizeof(list) / sizeof *(list))

static void unpack_look (void) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  const rw_beside zlib[] = {
    {"inflateInit2_", &unpack.z_begin}, {"inflate", &unpack.z_on},
    {"inflateReset", &unpack.z_again}, {"inflateEnd", &unpack.z_end},
  };
  const rw_beside br[] = {
    {"BrotliDecoderCreateInstance", &unpack.br_begin},
    {"BrotliDecoderDecompressStream", &unpack.br_on},
    {"BrotliDecoderDestroyInstance", &unpack.br_end},
  };
  const rw_beside zstd[] = {
    {"ZSTD_createDStream", &unpack.zstd_begin},
    {"ZSTD_decompressStream", &unpack.zstd_on},
    {"ZSTD_isError", &unpack.zstd_failed}, {"ZSTD_freeDStream", &unpack.zstd_end},
  };
  unpack.has_zlib = (info->features & CURL_VERSION_LIBZ) && look_for(zlib);
  unpack.has_br = (info->features & CURL_VERSION_BROTLI) && look_for(br);
  unpack.has_zstd = (info->features & CURL_VERSION_ZSTD) && look_for(zstd);
  unpack.ready = unpack.has_zlib == !!(info->features & CURL_VERSION_LIBZ) &&
                 unpack.has_br == !!(info->features & CURL_VERSION_BROTLI) &&
                 unpack.has_zstd == !!(info->features & CURL_VERSION_ZSTD);
  (void)snprintf(unpack.offer, sizeof unpack.offer, "Accept-Encoding: %s%s%s",
                 unpack.has_zlib ? "deflate, gzip" : "identity",
                 unpack.has_br ? ", br" : "", unpack.has_zstd ? ", zstd" : "");
}

#undef look_for


bool rw_unpack_ready (void) {
  (void)pthread_once(&unpack.once, unpack_look);
  return unpack.ready;
}


const char *rw_unpack_offer (void) {
  return unpack.offer;
}


/*
** {=================================================================
** Decoders
** ==================================================================
*/

/* What a decoder made of the bytes. */
typedef enum {
  UNPACK_NOT,                  /* an error */
  UNPACK_CUT,                  /* they end before they should */
  UNPACK_WHOLE,
  UNPACK_TOO_LARGE             /* `out` is full */
} unpack_result;

typedef struct unpack_work {
  const char *in;
  size_t n;
  rw_buffer out;
  size_t most;                 /* that `out` may hold */
  char piece[PIECE];
} unpack_work;


/* Keeps `n` bytes of the piece; false when there is no room for all of them. */
static bool unpack_keep (unpack_work *w, size_t n) {
  size_t room = w->most - w->out.len;
  return rw_buffer_append(&w->out, w->piece, n < room ? n : room) && n <= room;
}


static bool is_gzip (const char *s, size_t n) {
  return n >= 3 && memcmp(s, "\x1f\x8b\x08", 3) == 0;
}


static bool is_zstd (const char *s, size_t n) {
  return n >= 4 && memcmp(s, "\x28\xb5\x2f\xfd", 4) == 0;
}


/* A gzip file may be several, one behind the other; what else stands behind it
** is no part of it. */
static unpack_result of_zlib (unpack_work *w, int window) {
  unpack_z z = {.next_in = (const unsigned char *)w->in};
  unpack_result result = UNPACK_CUT;
  size_t left = w->n;
  int code = 0;                          /* Z_OK; Z_STREAM_END is 1 */
  if (!unpack.has_zlib || unpack.z_begin(&z, window, "1.2", (int)sizeof z) != 0)
    return UNPACK_NOT;
  while (result == UNPACK_CUT) {
    unsigned given = left > PIECE ? PIECE : (unsigned)left;
    z.avail_in = given;
    z.next_out = (unsigned char *)w->piece;
    z.avail_out = PIECE;
    code = unpack.z_on(&z, 0);
    left -= given - z.avail_in;
    if (!unpack_keep(w, PIECE - z.avail_out)) result = UNPACK_TOO_LARGE;
    else if (code == 1 && window == GZIP_WINDOW && is_gzip((const char *)z.next_in, left))
      (void)unpack.z_again(&z);
    else if (code == 1) result = window == BARE_WINDOW && left ? UNPACK_NOT : UNPACK_WHOLE;
    else if (code != 0 && code != -5) result = UNPACK_NOT;   /* Z_BUF_ERROR */
    else if (left == 0 && z.avail_out > 0) break;
  }
  (void)unpack.z_end(&z);
  return result;
}


static unpack_result of_br (unpack_work *w) {
  const uint8_t *next = (const uint8_t *)w->in;
  size_t left = w->n;
  unpack_result result = UNPACK_CUT;
  void *br = unpack.has_br ? unpack.br_begin(NULL, NULL, NULL) : NULL;
  if (!br) return UNPACK_NOT;
  while (result == UNPACK_CUT) {
    uint8_t *to = (uint8_t *)w->piece;
    size_t room = PIECE;
    int code = unpack.br_on(br, &left, &next, &room, &to, NULL);
    if (!unpack_keep(w, PIECE - room)) result = UNPACK_TOO_LARGE;
    else if (code == 0) result = UNPACK_NOT;
    else if (code == 1) result = left ? UNPACK_NOT : UNPACK_WHOLE;
    else if (code == 2) break;           /* it wants more; 3: more room */
  }
  unpack.br_end(br);
  return result;
}


static unpack_result of_zstd (unpack_work *w) {
  unpack_zstd_buffer from = {w->in, w->n, 0};
  unpack_result result = UNPACK_CUT;
  void *zstd = unpack.has_zstd ? unpack.zstd_begin() : NULL;
  if (!zstd) return UNPACK_NOT;
  while (result == UNPACK_CUT) {
    unpack_zstd_buffer to = {w->piece, PIECE, 0};
    size_t code = unpack.zstd_on(zstd, &to, &from);
    if (!unpack_keep(w, to.at)) result = UNPACK_TOO_LARGE;
    else if (unpack.zstd_failed(code)) result = UNPACK_NOT;
    else if (code == 0 && from.at == from.size) result = UNPACK_WHOLE;
    else if (from.at == from.size && to.at < PIECE) break;
  }
  (void)unpack.zstd_end(zstd);
  return result;
}

/* }================================================================= */


/*
** {=================================================================
** Codings
** ==================================================================
*/

typedef struct unpack_coding {
  const char *name;
  size_t n;
} unpack_coding;


static bool is_named (unpack_coding c, const char *name) {
  return c.n == strlen(name) && rw_header_same(c.name, name, c.n);
}


static bool is_packed (const char *s, size_t n) {
  return is_gzip(s, n) || is_zstd(s, n);
}


/* By the bytes, or by a name that they do not tell. */
static unpack_result unpack_once (unpack_work *w, unpack_coding c) {
  unpack_result result;
  if (is_gzip(w->in, w->n)) return of_zlib(w, GZIP_WINDOW);
  if (is_zstd(w->in, w->n)) return of_zstd(w);
  if (is_named(c, "br")) return of_br(w);
  if (!is_named(c, "deflate")) return UNPACK_NOT;
  result = of_zlib(w, ZLIB_WINDOW);
  if (result != UNPACK_NOT || w->out.len > 0) return result;
  return of_zlib(w, BARE_WINDOW);
}


/* Takes off one coding. False when what is in it is too large. */
static bool take_off (rw_buffer *body, unpack_coding c, size_t most) {
  unpack_work w = {.in = body->data, .n = body->len, .most = most};
  unpack_result result = unpack_once(&w, c);
  bool plain = result != UNPACK_WHOLE && rw_sniff_is_readable(body->data, body->len);
  if (result == UNPACK_WHOLE || (w.out.len > 0 && !plain)) {
    rw_buffer packed = *body;
    *body = w.out;
    w.out = packed;
  }
  rw_buffer_free(&w.out);
  return result != UNPACK_TOO_LARGE || plain;
}


/* The names in the head's Content-Encoding, the outermost last. */
static size_t codings_in (const char *head, unpack_coding *list) {
  size_t count = 0, n = 0;
  const char *p = head;
  while ((p = rw_header_find(p, "content-encoding", &n)) != NULL) {
    for (const char *end = p + n; p < end && count < MOST_CODINGS;) {
      const char *comma = memchr(p, ',', (size_t)(end - p)), *stop = comma ? comma : end;
      while (p < stop && (*p == ' ' || *p == '\t')) p++;
      list[count].name = p;
      list[count].n = (size_t)(stop - p);
      while (list[count].n && strchr(" \t", p[list[count].n - 1])) list[count].n--;
      count += list[count].n > 0;
      p = comma ? comma + 1 : end;
    }
    if (count == MOST_CODINGS) break;
  }
  return count;
}


bool rw_unpack (rw_buffer *body, const char *head, size_t most) {
  unpack_coding list[MOST_CODINGS] = {{"", 0}};
  size_t n = head ? codings_in(head, list) : 0;
  if (!rw_unpack_ready() || body->len == 0) return true;
  for (;;) {
    /* packed, with a word of it or without, or more than once */
    for (int i = 0; i < 2 && is_packed(body->data, body->len); i++)
      if (!take_off(body, (unpack_coding){"", 0}, most)) return false;
    if (n == 0 || body->len == 0) return true;
    if (!take_off(body, list[--n], most)) return false;
  }
}


size_t rw_unpack_start (const char *start, size_t n, char *to, size_t room) {
  size_t len = 0;
  if (!rw_unpack_ready()) return 0;
  for (int i = 0; i < 2 && is_packed(start, n); i++) {
    unpack_work w = {.in = start, .n = n, .most = room};
    (void)unpack_once(&w, (unpack_coding){"", 0});
    if (w.out.len > 0) memcpy(to, w.out.data, len = w.out.len);
    rw_buffer_free(&w.out);
    start = to;
    n = len;
  }
  return len;
}

/* }================================================================= */
