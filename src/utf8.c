/*
** utf8.c: what counts as UTF-8 (RFC 3629).
*/
#include "system.h"
#include "utf8.h"


size_t rw_utf8_length (const char *text, size_t left) {
  const unsigned char *s = (const unsigned char *)text;
  unsigned lead = s[0], low, high;
  size_t len;
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  len = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (len > left) return 0;
  low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (s[1] < low || s[1] > high) return 0;
  for (size_t i = 2; i < len; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  return len;
}


size_t rw_utf8_encode (unsigned long code, char *into) {
  size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = len - 1; i > 0; i--) {
    into[i] = (char)(0x80 | (code & 0x3F));
    code >>= 6;
  }
  into[0] = (char)(leads[len] | code);
  return len;
}
