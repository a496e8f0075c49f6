/*
** header.c: which bytes a header may hold, and finding one.
*/
#include "system.h"

#include <string.h>

#include "header.h"


static char header_low (char c) {
  return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}


bool rw_header_is_token (const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    char c = header_low(s[i]);
    if ((c >= 'a' && c <= 'z') || c == '-') continue;
    if ((unsigned char)c <= ' ' || (unsigned char)c >= 127 ||
        strchr("()<>@,;:\\\"/[]?={}", c))
      return false;
  }
  return n > 0;
}


bool rw_header_is_value (const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 127) return false;
  return true;
}


void rw_header_lower (char *to, const char *from, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] = header_low(from[i]);
}


bool rw_header_same (const char *a, const char *b, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (header_low(a[i]) != header_low(b[i])) return false;
    if (a[i] == '\0') break;
  }
  return true;
}


const char *rw_header_find (const char *block, const char *name, size_t *n) {
  size_t len = strlen(name);
  for (const char *p = block; p && (p = strchr(p, '\n')) != NULL;) {
    p++;
    if (!rw_header_same(p, name, len) || p[len] != ':') continue;
    p += len + 1;
    p += strspn(p, " \t");
    *n = strcspn(p, "\r\n");
    while (*n > 0 && (p[*n - 1] == ' ' || p[*n - 1] == '\t')) (*n)--;
    return p;
  }
  return NULL;
}
