/*
** arrival.c: an answer as it arrives: bounded, checked, and into C buffers or the
** file that it is for.
*/
#include "system.h"

#include <string.h>

#include "arrival.h"
#include "header.h"
#include "outcome.h"
#include "resume.h"
#include "sniff.h"
#include "stage.h"

/* All header bytes of one exchange, 1xx answers and trailers included. */
#define MAX_HEAD (256 * 1024)
#define MAX_LINES 1000


/* The value, when the line is the header `name` ("name:"), spaces at its ends
** left out; else NULL. */
static const char *arrival_value (const char *line, size_t n, const char *name,
                                  size_t *len) {
  size_t skip = strlen(name);
  if (n <= skip || !rw_header_same(line, name, skip)) return NULL;
  line += skip;
  n -= skip;
  while (n > 0 && strchr(" \t\r\n", line[n - 1])) n--;
  while (n > 0 && strchr(" \t", *line)) line++, n--;
  *len = n;
  return line;
}


/* One length of up to 18 digits at *p, which is moved behind it; -1: none. */
static int64_t arrival_length (const char **p, const char *end) {
  int64_t length = 0;
  const char *first = *p;
  for (; *p < end && **p >= '0' && **p <= '9' && *p - first < 18; (*p)++)
    length = length * 10 + (**p - '0');
  return *p > first ? length : -1;
}


/*
** libcurl lets lengths pass that cannot be: checked here. True when it can be.
** The same length told twice, as "16, 16" or on two lines, is told once too
** often and no harm (RFC 9110, 8.6).
*/
static bool check_length (rw_request *r, const char *line, size_t n) {
  size_t len = 0;
  const char *p = arrival_value(line, n, "content-length:", &len);
  const char *end = p ? p + len : NULL;
  if (!p) return true;
  for (;;) {
    int64_t length = arrival_length(&p, end);
    if (length < 0 || (r->length >= 0 && r->length != length)) return false;
    r->length = length;
    while (p < end && (*p == ' ' || *p == '\t')) p++;
    if (p == end) return true;
    if (*p++ != ',') return false;
    while (p < end && (*p == ' ' || *p == '\t')) p++;
  }
}


/*
** A Content-Encoding that names no coding we know is a label and no more. Of a
** file it is remembered that there is one, or are several; of an answer the bytes
** tell. libcurl would refuse a body with a label that it does not know; here,
** before the first byte of it, it can still be told not to look.
*/
static void check_encoding (rw_request *r, const char *line, size_t n) {
  static const char *const codings[] = {"gzip", "x-gzip", "deflate", "br", "zstd"};
  size_t len = 0;
  const char *p = arrival_value(line, n, "content-encoding:", &len);
  if (!p) return;
  if (memchr(p, ',', len)) r->labelled = true;
  for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
    if (len == strlen(codings[i]) && rw_header_same(p, codings[i], len))
      r->labelled = true;
  if (!r->labelled)
    (void)curl_easy_setopt(r->easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
}


size_t rw_arrival_header (char *line, size_t size, size_t n, void *data) {
  rw_request *r = data;
  n *= size;
  *r->stirred = true;
  if (n > MAX_HEAD - r->head_seen || ++r->head_lines > MAX_LINES) {
    rw_fail(&r->error, RW_LIMIT, "too_large",
            "the answer's headers are larger than %d KiB or %d lines",
            MAX_HEAD / 1024, MAX_LINES);
    return 0;
  }
  r->head_seen += n;
  if (memchr(line, '\0', n)) {
    rw_fail(&r->error, RW_PROTOCOL, "bad_header", "a header holds a NUL byte");
    return 0;
  }
  if (n > 5 && memcmp(line, "HTTP/", 5) == 0) {
    rw_buffer_clear(&r->head);
    r->head_whole = r->labelled = false;
    r->length = -1;
  }
  if (n <= 2) r->head_whole = true;      /* the empty line that ends a block */
  if (!check_length(r, line, n)) {
    rw_fail(&r->error, RW_PROTOCOL, "bad_header",
            "the answer's Content-Length is no length, or there are two");
    if (!r->gate) return 0;              /* what comes may name a paid task */
  }
  check_encoding(r, line, n);
  if (!rw_buffer_append(&r->head, line, n)) {
    rw_fail(&r->error, RW_LIMIT, "memory", "no memory for the answer's headers");
    return 0;
  }
  return n;
}


/* Keeps how a file begins; false when it turns out to be words. Before these take the
** place of what is there already, they are looked at however few they are. */
static bool look_at_start (rw_request *r, const char *bytes, size_t n) {
  size_t room = sizeof r->start - r->started;
  if (!r->only_media || room == 0) return true;
  if (n > room) n = room;
  memcpy(r->start + r->started, bytes, n);
  r->started += n;
  return (n < room && !r->sink.found) || rw_outcome_is_media(r);
}


/*
** The answer's headers are known now: where does its body go? False when it does
** not go on. A file that is labelled as packed, and does not begin like one, is
** asked for anew, to be decoded.
*/
static bool begin_body (rw_request *r, const char *bytes, size_t n) {
  curl_off_t expected = -1;
  rw_extent extent;
  (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
  (void)curl_easy_getinfo(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &expected);
  extent = rw_resume_judge(r);
  if (extent == RW_OTHER && r->status == 206) return false;
  if (extent == RW_WHOLE && r->labelled && !r->gate && r->decoding == RW_LOOK) {
    if (!rw_sniff_media(bytes, n < RW_SNIFF ? n : RW_SNIFF)) return false;
    r->decoding = RW_AS_IT_CAME;
  }
  r->filing = extent == RW_WHOLE || extent == RW_REST;
  if (extent == RW_WHOLE) r->started = 0;
  atomic_store(&r->expected, extent == RW_REST ? r->total : (int64_t)expected);
  return true;
}


/* Makes the file ready for what has begun to come. 0, or an errno value. */
static int begin_file (rw_request *r) {
  rw_note note;
  if (r->status == 206) return rw_sink_go_on(&r->sink, r->total);
  rw_resume_note(r, &note);
  return rw_sink_begin(&r->sink, &note);
}


size_t rw_arrival_body (char *bytes, size_t size, size_t n, void *data) {
  rw_request *r = data;
  n *= size;
  *r->stirred = true;
  if (r->sink.path && atomic_load(r->ending)) return CURL_WRITEFUNC_PAUSE;
  if (r->bytes == 0 && !begin_body(r, bytes, n)) return 0;
  if (r->filing) {
    int err = 0;
    if (!look_at_start(r, bytes, n)) return 0;
    if (r->bytes == 0) err = begin_file(r);
    if (!err) err = rw_sink_write(&r->sink, bytes, n);
    if (err) {
      rw_stage_fail(r, err);
      return 0;
    }
  } else if (n > r->max_body - r->body.len) {
    rw_fail(&r->error, RW_LIMIT, "too_large",
            "the answer is larger than max_body_bytes (%zu)", r->max_body);
    r->error.permanent = true;
    return 0;
  } else if (!rw_buffer_append(&r->body, bytes, n)) {
    rw_fail(&r->error, RW_LIMIT, "memory", "no memory for the answer");
    return 0;
  }
  r->bytes += (int64_t)n;
  atomic_store(&r->received, r->filing ? r->sink.written : r->bytes);
  return n;
}
