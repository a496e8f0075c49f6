/*
** base64.h: bytes as base64 (RFC 4648, section 4), padded.
*/
#ifndef RW_BASE64_H
#define RW_BASE64_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Of `n` bytes. */
#define RW_BASE64_LENGTH(n) (((n) + 2) / 3 * 4)

/* Writes so many digits to `to`, which is not where the bytes lie. */
void rw_base64_write (char *to, const unsigned char *from, size_t n);

#pragma GCC visibility pop

#endif
