/*
** base64.c: bytes as base64.
*/
#include "system.h"

#include "base64.h"


void rw_base64_write (char *to, const unsigned char *from, size_t n) {
  static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (; n >= 3; n -= 3, from += 3) {
    *to++ = digits[from[0] >> 2];
    *to++ = digits[(from[0] & 3) << 4 | from[1] >> 4];
    *to++ = digits[(from[1] & 15) << 2 | from[2] >> 6];
    *to++ = digits[from[2] & 63];
  }
  if (n > 0) {
    *to++ = digits[from[0] >> 2];
    *to++ = digits[(from[0] & 3) << 4 | (n == 2 ? from[1] >> 4 : 0)];
    *to++ = n == 2 ? digits[(from[1] & 15) << 2] : '=';
    *to++ = '=';
  }
}
