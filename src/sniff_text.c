/*
** sniff_text.c: what is no file but somebody's words: an error in JSON or XML,
** a page, a line. Servers send them with status 200 and under any label.
*/
#include "system.h"

#include <string.h>

#include "header.h"
#include "sniff.h"
#include "utf8.h"

#define LONGEST_WORD 256


/* A control character that no text has. */
static bool is_control (unsigned char c) {
  return (c < ' ' && !(c >= '\b' && c <= '\r') && c != 27) || c == 127;
}


static bool is_space (char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}


/* Where the words begin: after a byte order mark and white space. */
static size_t skip (const char *head, size_t n, size_t at) {
  if (at == 0 && n >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0) at = 3;
  while (at < n && is_space(head[at])) at++;
  return at;
}


/* Which byte of each pair counts more in a text of two bytes a character: 0 or 1;
** -1 when it is none. Without a mark in front its letters are nearly all Latin. */
static int wide_order (const char *head, size_t n) {
  if (n < 4) return -1;
  if (memcmp(head, "\xfe\xff", 2) == 0) return 0;
  if (memcmp(head, "\xff\xfe", 2) == 0) return 1;
  if (!head[0] && head[1] && !head[2] && head[3]) return 0;
  if (head[0] && !head[1] && head[2] && !head[3]) return 1;
  return -1;
}


/* Such a text in UTF-8, as far as it goes into `to`; 0 for anything else. */
static size_t of_wide (const char *head, size_t n, char *to, size_t room) {
  const unsigned char *b = (const unsigned char *)head;
  int order = wide_order(head, n);
  bool marked = order >= 0 && (b[0] | b[1]) == 0xff;
  size_t len = 0, latin = 0, east = 0, units = 0;
  if (order < 0) return 0;
  while (n >= 2 && !head[n - 1] && !head[n - 2]) n -= 2;
  for (size_t i = marked ? 2 : 0; i + 1 < n && len + 4 <= room; i += 2, units++) {
    unsigned long c = (unsigned long)b[i + (size_t)order] << 8 | b[i + 1 - (size_t)order];
    if ((c < 256 && is_control((unsigned char)c)) || c >= 0xfffe) return 0;
    if (c >= 0xdc00 && c < 0xe000) return 0;
    if (c >= 0xd800 && c < 0xdc00) {     /* and its other half */
      unsigned low = i + 3 < n ? b[i + 2 + (size_t)order] : 0xdc;
      if (low < 0xdc || low > 0xdf) return 0;
      i += 2;
      c = 0xfffd;
    }
    latin += c < 128;
    east += c >= 0x3000;
    len += rw_utf8_encode(c, to + len);
  }
  return (marked ? latin > 0 || east == units : latin >= units / 2) ? len : 0;
}


/* A text's end may be padded with NULs. */
bool rw_sniff_is_readable (const char *head, size_t n) {
  if (n == 0 || !head[0]) return false;
  while (n > 0 && (head[n - 1] == '\0' || is_space(head[n - 1]))) n--;
  for (size_t i = 0; i < n; i++)
    if (is_control((unsigned char)head[i])) return false;
  return true;
}


/* Words have spaces between them; a long run of letters without one is filling,
** or some coding of bytes, and no one's message. */
static bool has_words (const char *head, size_t n) {
  if (n < LONGEST_WORD) return true;
  for (size_t i = 0; i < LONGEST_WORD; i++)
    if (is_space(head[i])) return true;
  return false;
}


/* The beginning of an object or a list; what follows may hold any bytes. */
static bool is_json (const char *head, size_t n) {
  size_t at = skip(head, n, 0), next;
  if (at >= n || (head[at] != '{' && head[at] != '[')) return false;
  next = skip(head, n, at + 1);
  if (next >= n) return rw_sniff_is_readable(head, n);
  if (head[at] == '{') return head[next] == '"' || head[next] == '}';
  return head[next] && strchr("{[\"]-0123456789tfn", head[next]) && rw_sniff_is_readable(head, n);
}


/* "<" and what may follow it in a page or in XML. Behind the name of a page's
** beginning any bytes may stand. */
static const char *of_markup (const char *head, size_t n) {
  static const char *const pages[] =
    {"<!doctype html", "<html", "<head", "<body", "<title", "<meta", "<script"};
  size_t at = skip(head, n, 0);
  if (n - at < 2 || head[at] != '<') return NULL;
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
    if (n - at >= strlen(pages[i]) &&
        rw_header_same(head + at, pages[i], strlen(pages[i])))
      return "an HTML page";
  if (!rw_sniff_is_readable(head, n)) return NULL;
  if (head[at + 1] == '?' || head[at + 1] == '!' ||
      ((head[at + 1] | 32) >= 'a' && (head[at + 1] | 32) <= 'z'))
    return "XML";
  return NULL;
}


/* What the words are, of a text that is neither padded nor wide. */
static const char *of_words (const char *head, size_t n) {
  const char *markup = of_markup(head, n);
  if (is_json(head, n)) return "JSON";
  if (markup) return markup;
  return rw_sniff_is_readable(head, n) && has_words(head, n) ? "text" : NULL;
}


/* NULs and spaces before the words; the NULs of a box's length are none. */
static size_t padding (const char *head, size_t n) {
  size_t at = 0;
  bool padded = false;
  for (; at < n && (!head[at] || is_space(head[at])); at++) padded = padded || !head[at];
  return padded && !rw_sniff_boxes(head, n) ? at : 0;
}


const char *rw_sniff_text (const char *head, size_t n) {
  char narrow[RW_SNIFF];
  size_t len;
  if (rw_sniff_signature(head, n)) return NULL;
  if (n >= 5 && memcmp(head, "%PDF-", 5) == 0) return NULL;
  len = of_wide(head, n, narrow, sizeof narrow);
  if (len > 0) return of_words(narrow, len);
  len = padding(head, n);
  return of_words(head + len, n - len);
}


void rw_sniff_line (const char *head, size_t n, char *to, size_t room) {
  size_t at = padding(head, n), len = 0;
  for (at += skip(head + at, n - at, 0); at < n && len + 1 < room; at++) {
    unsigned char c = (unsigned char)head[at];
    if (c == '\n' || c == '\r') break;
    if (c == '\0') continue;             /* of two bytes a character */
    to[len++] = c < ' ' ? ' ' : c < 127 ? (char)c : '?';
  }
  to[len] = '\0';
}
