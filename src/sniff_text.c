/*
** sniff_text.c: what is no file but somebody's words: an error in JSON or XML,
** a page, a line. Servers send them with status 200 and under any label.
*/
#include <string.h>

#include "header.h"
#include "sniff.h"

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


/* Text of two bytes a character, told by its mark. */
static bool is_wide (const char *head, size_t n) {
  size_t zeros = 0;
  if (n < 4 || (memcmp(head, "\xff\xfe", 2) != 0 && memcmp(head, "\xfe\xff", 2) != 0))
    return false;
  for (size_t i = 2; i < n; i++) zeros += head[i] == '\0';
  return zeros >= (n - 2) / 3 && zeros <= (n - 2) * 2 / 3;
}


/* A text's end may be padded with NULs. */
bool rw_sniff_is_readable (const char *head, size_t n) {
  while (n > 0 && head[n - 1] == '\0') n--;
  for (size_t i = 0; i < n; i++)
    if (is_control((unsigned char)head[i])) return false;
  return n > 0;
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


/* "<" and what may follow it in a page or in XML. */
static const char *of_markup (const char *head, size_t n) {
  static const char *const pages[] =
    {"<!doctype html", "<html", "<head", "<body", "<title", "<meta", "<script"};
  size_t at = skip(head, n, 0);
  if (n - at < 2 || head[at] != '<' || !rw_sniff_is_readable(head, n)) return NULL;
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
    if (n - at >= strlen(pages[i]) &&
        rw_header_same(head + at, pages[i], strlen(pages[i])))
      return "an HTML page";
  if (head[at + 1] == '?' || head[at + 1] == '!' ||
      ((head[at + 1] | 32) >= 'a' && (head[at + 1] | 32) <= 'z'))
    return "XML";
  return NULL;
}


const char *rw_sniff_text (const char *head, size_t n) {
  const char *markup;
  if (rw_sniff_signature(head, n)) return NULL;
  if (n >= 5 && memcmp(head, "%PDF-", 5) == 0) return NULL;
  if (is_json(head, n)) return "JSON";
  if ((markup = of_markup(head, n)) != NULL) return markup;
  if (rw_sniff_is_readable(head, n) && has_words(head, n)) return "text";
  return is_wide(head, n) ? "text" : NULL;
}


void rw_sniff_line (const char *head, size_t n, char *to, size_t room) {
  size_t at = skip(head, n, 0), len = 0;
  for (; at < n && len + 1 < room && head[at] != '\n' && head[at] != '\r'; at++) {
    unsigned char c = (unsigned char)head[at];
    if (c == '\0') continue;             /* of two bytes a character */
    to[len++] = c < ' ' ? ' ' : c < 127 ? (char)c : '?';
  }
  to[len] = '\0';
}
