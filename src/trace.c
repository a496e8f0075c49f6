/*
** trace.c: what goes over the wire, told on standard error.
*/
#include "system.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "header.h"
#include "trace.h"

#define TRACE_LINE 400
#define SHORTEST_SECRET 4      /* a shorter word would hide every line */

/* Headers whose values hold nothing but what they say. */
static const char *const trace_harmless[] = {
  "accept", "accept-encoding", "accept-ranges", "age", "cache-control", "connection",
  "content-encoding", "content-length", "content-range", "content-type", "date",
  "host", "range", "retry-after", "retry-after-ms", "server", "transfer-encoding",
  "user-agent", "vary", "via", "x-runway-version", "x-request-id", "request-id", "cf-ray"
};

/* Remarks of libcurl's that are worth a line, by how they begin. */
static const char *const trace_remarks[] = {
  "Connected to ", "Re-using ", "ALPN", "SSL connection using ", "using HTTP/",
  "Closing connection", "Connection died", "Connection #"
};


static bool is_harmless (const char *name, size_t n) {
  for (size_t i = 0; i < sizeof trace_harmless / sizeof *trace_harmless; i++)
    if (strlen(trace_harmless[i]) == n && rw_header_same(trace_harmless[i], name, n)) return true;
  return false;
}


/* What may be shown of it: nothing that a terminal would act on. */
static void trace_copy (char *to, size_t room, const char *from, size_t n) {
  if (n > room - 1) n = room - 1;
  for (size_t i = 0; i < n; i++)
    to[i] = (char)((unsigned char)from[i] < ' ' || from[i] == 127 ? '?' : from[i]);
  to[n] = '\0';
}


/* "GET /path?query HTTP/1.1", or "HTTP/1.1 200 OK"? */
static bool is_first_line (const char *line, size_t n) {
  static const char version[] = " HTTP/";
  size_t len = sizeof version - 1;
  if (n > len && memcmp(line, version + 1, len - 1) == 0) return true;
  for (size_t i = n; i > len && n - i <= 4; i--)
    if (memcmp(line + i - len, version, len) == 0) return true;
  return false;
}


/*
** One line of a head, cut to what fits: the query gone, and of headers that are
** not known to be harmless only the name. What is neither is not shown at all: a
** server may fold a line, or spell it in ways that libcurl lets pass.
*/
static void trace_line (char *to, size_t room, const char *line, size_t n) {
  const char *colon, *mark, *instead = "";
  size_t kept;
  while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n')) n--;
  kept = n;
  colon = memchr(line, ':', n);
  if (colon && rw_header_is_token(line, (size_t)(colon - line))) {
    if (!is_harmless(line, (size_t)(colon - line))) {
      kept = (size_t)(colon - line) + 1;
      instead = " [hidden]";
    }
  } else if (!is_first_line(line, n)) {
    kept = 0;
    instead = "[hidden]";
  } else if ((mark = memchr(line, '?', n)) != NULL) {
    kept = (size_t)(mark - line) + 1;
    instead = "[query]";
  }
  trace_copy(to, room - strlen(instead), line, kept);
  memcpy(to + strlen(to), instead, strlen(instead) + 1);
}


/* In one write, so that the lines of two engines do not mix. */
static void trace_say (const rw_request *r, char arrow, const char *text) {
  char line[TRACE_LINE + 64];
  int64_t now = rw_now_ms();             /* "%.3f" would heed the locale */
  int n = snprintf(line, sizeof line, "runway %lld.%03d #%lld %c %s\n",
                   (long long)(now / 1000), (int)(now % 1000), (long long)r->id,
                   arrow, text);
  size_t len = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
  (void)fwrite(line, 1, len, stderr);
}


/* Does the text hold the last word of a header of ours that is not shown: a key
** that a server gives back under a harmless name, or that is in the path, too? */
static bool holds_secret (const rw_request *r, const char *line, size_t n) {
  for (const struct curl_slist *h = r->headers; h; h = h->next) {
    const char *colon = strchr(h->data, ':'), *space = strrchr(h->data, ' ');
    const char *word = space ? space + 1 : colon ? colon + 1 : "";
    size_t len = strlen(word);
    if (!colon || len < SHORTEST_SECRET || is_harmless(h->data, (size_t)(colon - h->data))) continue;
    for (size_t i = 0; i + len <= n; i++)
      if (memcmp(line + i, word, len) == 0) return true;
  }
  return false;
}


static void trace_block (const rw_request *r, char arrow, const char *data, size_t n) {
  char text[TRACE_LINE];
  while (n > 0) {
    const char *eol = memchr(data, '\n', n);
    size_t len = eol ? (size_t)(eol - data) + 1 : n;
    if (len > 2) {
      size_t end = len;
      while (end > 0 && (data[end - 1] == '\r' || data[end - 1] == '\n')) end--;
      if ((arrow == '<' || is_first_line(data, end)) && holds_secret(r, data, end))
        memcpy(text, "[hidden]", sizeof "[hidden]");
      else trace_line(text, sizeof text, data, len);
      trace_say(r, arrow, text);
    }
    data += len;
    n -= len;
  }
}


static void trace_remark (const rw_request *r, const char *data, size_t n) {
  for (size_t i = 0; i < sizeof trace_remarks / sizeof *trace_remarks; i++) {
    size_t len = strlen(trace_remarks[i]);
    char text[TRACE_LINE];
    if (n < len || memcmp(data, trace_remarks[i], len) != 0) continue;
    while (n > 0 && (data[n - 1] == '\r' || data[n - 1] == '\n')) n--;
    trace_copy(text, sizeof text, data, n);
    trace_say(r, '*', text);
    return;
  }
}


void rw_trace_tell (rw_request *r, curl_infotype type, const char *data, size_t n) {
  switch (type) {
    case CURLINFO_TEXT: trace_remark(r, data, n); break;
    case CURLINFO_HEADER_OUT: trace_block(r, '>', data, n); break;
    case CURLINFO_HEADER_IN: trace_block(r, '<', data, n); break;
    case CURLINFO_DATA_OUT: r->trace_out += (int64_t)n; break;
    case CURLINFO_DATA_IN: r->trace_in += (int64_t)n; break;
    default: break;
  }
}


void rw_trace_begin (const rw_request *r) {
  char text[TRACE_LINE];
  size_t n = strcspn(r->url, "?#");
  if (holds_secret(r, r->url, n)) (void)snprintf(text, sizeof text, "%s [hidden]", r->method);
  else (void)snprintf(text, sizeof text, "%s %.*s", r->method, (int)n, r->url);
  trace_say(r, '*', text);
}


void rw_trace_end (rw_request *r) {
  char text[TRACE_LINE];
  (void)snprintf(text, sizeof text, "%lld bytes out, %lld in, %s%s", (long long)r->trace_out,
                 (long long)r->trace_in, r->error.kind == RW_OK ? "ok" : "failed: ",
                 r->error.kind == RW_OK ? "" : r->error.code);
  trace_say(r, '*', text);
}
