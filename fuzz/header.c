/*
** header.c: a header looked for in a block of them. Input: its name on a line, and
** the block.
*/
#include "system.h"
#include "fuzz.h"
#include "header.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  char *name = fuzz_line(&data, &size), *block = fuzz_text(data, size), lower[16];
  size_t n = 0, len = strlen(name), first = len < sizeof lower ? len : sizeof lower;
  const char *value = rw_header_find(block, name, &n);
  if (value) {
    must(value >= block && value + n <= block + strlen(block));
    must(!memchr(value, '\n', n) && !memchr(value, '\r', n));
    must(n == 0 || !strchr(" \t", value[n - 1]));
  }
  (void)rw_header_is_token(name, len);
  if (rw_header_is_value(block, strlen(block))) must(!strpbrk(block, "\r\n"));
  rw_header_lower(lower, name, first);
  must(rw_header_same(lower, name, first));
  free(name);
  free(block);
  return 0;
}
