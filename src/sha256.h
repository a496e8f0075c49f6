/*
** sha256.h: SHA-256 (FIPS 180-4) and HMAC over it (RFC 2104), in pieces.
*/
#ifndef RW_SHA256_H
#define RW_SHA256_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define RW_SHA256_BYTES 32     /* of a sum */
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
void rw_sha256_raw (rw_sha256 *s, unsigned char sum[RW_SHA256_BYTES]);  /* or its bytes */

/* The sum of a text and a key, which only who has the key can make. */
typedef struct {
  rw_sha256 inner, outer;
} rw_hmac;

void rw_hmac_begin (rw_hmac *h, const void *key, size_t n);
void rw_hmac_add (rw_hmac *h, const void *bytes, size_t n);
void rw_hmac_end (rw_hmac *h, unsigned char mac[RW_SHA256_BYTES]);  /* `h` is used up */

#pragma GCC visibility pop

#endif
