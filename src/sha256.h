/*
** sha256.h: SHA-256 (FIPS 180-4), in pieces.
*/
#ifndef RW_SHA256_H
#define RW_SHA256_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define RW_SHA256_HEX 64       /* digits of a sum, without a zero behind them */

typedef struct {
  uint32_t state[8];
  uint64_t length;             /* bytes so far */
  unsigned char block[64];     /* what does not fill one yet */
} rw_sha256;

void rw_sha256_begin (rw_sha256 *s);
void rw_sha256_add (rw_sha256 *s, const void *bytes, size_t n);

/* The sum in hexadecimal digits and a zero; `s` is used up. */
void rw_sha256_end (rw_sha256 *s, char hex[RW_SHA256_HEX + 1]);

#pragma GCC visibility pop

#endif
