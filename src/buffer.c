/*
** buffer.c: a growing run of bytes.
*/
#include "system.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"


bool rw_buffer_reserve (rw_buffer *b, size_t more) {
  size_t need, cap;
  char *data;
  if (more > SIZE_MAX / 2 - b->len - 1) return false;
  need = b->len + more + 1;
  if (need <= b->cap) return true;
  cap = b->cap + b->cap / 2;
  if (cap < need) cap = need;
  if (cap < 256) cap = 256;
  data = realloc(b->data, cap);
  if (!data) return false;
  b->data = data;
  b->cap = cap;
  return true;
}


bool rw_buffer_append (rw_buffer *b, const void *data, size_t len) {
  if (!rw_buffer_reserve(b, len)) return false;
  if (len) memcpy(b->data + b->len, data, len);
  b->len += len;
  b->data[b->len] = '\0';
  return true;
}


bool rw_buffer_append_within (rw_buffer *b, const void *data, size_t len,
                              size_t most) {
  return b->len <= most && len <= most - b->len && rw_buffer_append(b, data, len);
}


void rw_buffer_clear (rw_buffer *b) {
  b->len = 0;
  if (b->data) b->data[0] = '\0';
}


void rw_buffer_free (rw_buffer *b) {
  free(b->data);
  b->data = NULL;
  b->len = b->cap = 0;
}
