/*
** data_uri.c: "data:image/png;base64,iVBORw0…" (RFC 2397), read.
*/
#include "system.h"

#include <string.h>

#include "data_uri.h"
#include "header.h"


static bool is_blank (char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}


/* The value of a base64 digit (RFC 4648, section 4), or -1. */
static int digit_value (char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}


/* Without the white space at both ends. */
static void trim_blanks (const char **s, size_t *n) {
  while (*n > 0 && is_blank(**s)) (*s)++, (*n)--;
  while (*n > 0 && is_blank((*s)[*n - 1])) (*n)--;
}


/* Is the last of the parameters "base64"? Cuts it off. */
static bool is_base64 (const char *head, size_t *n) {
  size_t at = *n;
  const char *last;
  size_t len;
  while (at > 0 && head[at - 1] != ';') at--;
  if (at == 0) return false;
  last = head + at;
  len = *n - at;
  trim_blanks(&last, &len);
  *n = at - 1;
  return len == 6 && rw_header_same(last, "base64", 6);
}


/* Counts the digits; false when something else is among them. */
static bool count_digits (rw_data_uri *uri) {
  size_t padding = 0, spaces = 0;
  uri->count = 0;
  for (size_t i = 0; i < uri->len; i++) {
    char c = uri->digits[i];
    if (is_blank(c)) spaces++;
    else if (c == '=') padding++;
    else if (padding > 0 || digit_value(c) < 0) return false;
    else uri->count++;
  }
  uri->tidy = spaces == 0 && (uri->count + padding) % 4 == 0;
  return padding <= 2;
}


const char *rw_data_uri_read (rw_data_uri *uri, const char *s, size_t n) {
  const char *comma;
  trim_blanks(&s, &n);
  if (n < 5 || !rw_header_same(s, "data:", 5)) return "it does not begin with data:";
  s += 5;
  n -= 5;
  comma = memchr(s, ',', n);
  if (!comma) return "it has no comma";
  uri->digits = comma + 1;
  uri->len = n - (size_t)(comma + 1 - s);
  n = (size_t)(comma - s);
  if (!is_base64(s, &n)) return "it must say ;base64 before the comma, and be it";
  uri->type = s;
  uri->type_len = n;
  comma = memchr(s, ';', n);
  if (comma) uri->type_len = (size_t)(comma - s);
  trim_blanks(&uri->type, &uri->type_len);
  if (uri->type_len > RW_DATA_URI_TYPE) return "its media type is too long";
  if (!count_digits(uri)) return "what follows the comma is not base64";
  if (uri->count == 0) return "it is empty";
  if (uri->count % 4 == 1) return "its base64 is cut short";
  return NULL;
}


size_t rw_data_uri_decode (const rw_data_uri *uri, char *to, size_t room) {
  size_t made = 0;
  unsigned bits = 0, have = 0;
  for (size_t i = 0; i < uri->len && made < room; i++) {
    int value = digit_value(uri->digits[i]);
    if (value < 0) continue;
    bits = (bits << 6 | (unsigned)value) & 0xffff;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    to[made++] = (char)(unsigned char)(bits >> have & 0xff);
  }
  return made;
}


size_t rw_data_uri_tidied (const rw_data_uri *uri) {
  return (uri->count + 3) / 4 * 4;
}


void rw_data_uri_tidy (const rw_data_uri *uri, char *to) {
  char *end = to + rw_data_uri_tidied(uri);
  for (size_t i = 0; i < uri->len; i++)
    if (digit_value(uri->digits[i]) >= 0) *to++ = uri->digits[i];
  while (to < end) *to++ = '=';
}
