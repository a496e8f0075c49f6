/*
** fuzz.h: what the fuzz targets share. Each is called with bytes from outside, as a
** server, a file or an environment might hold them; what must hold whatever they
** are is said with `must`.
*/
#ifndef RW_FUZZ_H
#define RW_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define must(what) \
  do { \
    if (!(what)) { \
      fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #what); \
      abort(); \
    } \
  } while (0)

/* A copy with nothing behind it, so that a byte read beyond is seen. */
static inline char *fuzz_bytes (const uint8_t *data, size_t size) {
  char *copy = malloc(size ? size : 1);
  must(copy);
  memcpy(copy, data, size);
  return copy;
}

/* The same as a C string, as far as the first NUL in it. */
static inline char *fuzz_text (const uint8_t *data, size_t size) {
  const uint8_t *nul = memchr(data, 0, size);
  size_t n = nul ? (size_t)(nul - data) : size;
  char *copy = malloc(n + 1);
  must(copy);
  memcpy(copy, data, n);
  copy[n] = '\0';
  return copy;
}

/* Takes the first line off the input: a C string. */
static inline char *fuzz_line (const uint8_t **data, size_t *size) {
  const uint8_t *eol = memchr(*data, '\n', *size);
  size_t n = eol ? (size_t)(eol - *data) : *size;
  char *line = fuzz_text(*data, n);
  n += eol ? 1 : 0;
  *data += n;
  *size -= n;
  return line;
}

#endif
