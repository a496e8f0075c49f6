/*
** resume.c: asking for the rest of a file, and whether an answer is that.
*/
#include "system.h"

#include <stdio.h>
#include <string.h>

#include "header.h"
#include "resume.h"

/* A Last-Modified is a validator when the answer's own Date is this much later
** (RFC 9110, 8.8.2.2): what changes twice in a second bears one date. */
#define DATED 60


static bool add_line (rw_request *r, const char *line) {
  struct curl_slist *longer = curl_slist_append(r->headers, line);
  if (longer) r->headers = longer;
  return longer != NULL;
}


bool rw_resume_ask (rw_request *r) {
  char line[RW_VALIDATOR + 32];
  r->asks_rest = r->sink.old.have > 0;
  if (!r->asks_rest) return true;
  (void)snprintf(line, sizeof line, "Range: bytes=%lld-",
                 (long long)(r->sink.old.have - RW_OVERLAP));
  if (!add_line(r, line)) return false;
  (void)snprintf(line, sizeof line, "If-Range: %s", r->sink.note.validator);
  return add_line(r, line);
}


/*
** {=================================================================
** What an answer is called
** ==================================================================
*/

/* The time of a header, in seconds; -1: there is none that can be read. */
static time_t header_time (const rw_request *r, const char *name) {
  size_t n = 0;
  const char *value = rw_header_find(r->head.data, name, &n);
  char text[64];
  if (!value || n >= sizeof text) return -1;
  memcpy(text, value, n);
  text[n] = '\0';
  return curl_getdate(text, NULL);
}


/* An entity tag that is one, and not weak: in quotes, and nothing before them. */
static bool is_strong (const char *tag, size_t n) {
  return n > 2 && tag[0] == '"' && tag[n - 1] == '"' && !memchr(tag + 1, '"', n - 2);
}


void rw_resume_note (const rw_request *r, rw_note *note) {
  size_t n = 0;
  const char *name = rw_header_find(r->head.data, "etag", &n);
  *note = (rw_note){.total = r->length};
  if (r->labelled) return;               /* it may lie there otherwise tomorrow */
  if (name) {
    if (!is_strong(name, n)) return;     /* alike, but not the same bytes */
  } else {
    time_t changed = header_time(r, "last-modified"), now = header_time(r, "date");
    name = rw_header_find(r->head.data, "last-modified", &n);
    if (!name || changed < 0 || now < 0 || now - changed < DATED) return;
  }
  if (n >= sizeof note->validator || !rw_header_is_value(name, n)) return;
  memcpy(note->validator, name, n);
}


/* Does it name the same bytes as before? */
static bool same_bytes (const rw_request *r) {
  const char *known = r->sink.note.validator;
  size_t n = 0;
  const char *name = rw_header_find(r->head.data,
                                    *known == '"' ? "etag" : "last-modified", &n);
  return name && n == strlen(known) && memcmp(name, known, n) == 0;
}

/* }================================================================= */


/*
** {=================================================================
** Parts
** ==================================================================
*/

typedef struct file_range {
  int64_t first, last;
  int64_t total;               /* of the whole; -1: not told; -2: nothing one can read */
} file_range;


/* A number of up to 18 digits at *p and what is to stand behind it. */
static bool range_part (const char **p, const char *end, char after, int64_t *n) {
  const char *first = *p;
  *n = 0;
  for (; *p < end && **p >= '0' && **p <= '9' && *p - first < 18; (*p)++)
    *n = *n * 10 + (**p - '0');
  if (*p == first) return false;
  if (after == '\0') return *p == end;
  return *p < end && *(*p)++ == after;
}


/* "Content-Range: bytes FIRST-LAST/TOTAL"; false: none that can be read. */
static bool read_range (const rw_request *r, file_range *range) {
  size_t n = 0;
  const char *p = rw_header_find(r->head.data, "content-range", &n), *end;
  if (!p || n < 6 || !rw_header_same(p, "bytes ", 6)) return false;
  end = p + n;
  p += 6;
  p += strspn(p, " ");
  if (!range_part(&p, end, '-', &range->first) || !range_part(&p, end, '/', &range->last))
    return false;
  if (end - p == 1 && *p == '*') range->total = -1;
  else if (!range_part(&p, end, '\0', &range->total)) range->total = -2;
  return true;
}


bool rw_resume_is_part (const rw_request *r) {
  file_range range;
  return read_range(r, &range) &&
         (range.first > 0 || (range.total >= 0 && range.last + 1 != range.total));
}


/* The part that was asked for; of as many bytes as there were, if that is told. */
static bool same_part (rw_request *r) {
  int64_t have = r->sink.old.have, total = r->sink.note.total;
  file_range range;
  if (!read_range(r, &range) || range.total == -2) return false;
  if (range.total >= 0 && total >= 0 && range.total != total) return false;
  r->total = range.total >= 0 ? range.total : total;
  return range.first == have - RW_OVERLAP && range.last >= range.first &&
         r->total >= have && range.last < r->total &&
         (r->length < 0 || r->length == range.last - range.first + 1);
}


rw_extent rw_resume_judge (rw_request *r) {
  if (r->sink.fd < 0) return RW_NO_FILE;
  if (r->status == 200) return RW_WHOLE;
  if (!r->asks_rest || (r->status != 206 && r->status != 416)) return RW_NO_FILE;
  return r->status == 206 && !r->labelled && same_bytes(r) && same_part(r) ? RW_REST
                                                                           : RW_OTHER;
}

/* }================================================================= */
