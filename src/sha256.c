/*
** sha256.c: SHA-256 (FIPS 180-4) and HMAC over it (RFC 2104), in pieces.
**
** What is long goes through OpenSSL where libcurl has brought it along, since that
** uses what the processor has for it: ten times as fast as any C.
*/
#include "system.h"

#include <pthread.h>
#include <string.h>

#include "beside.h"
#include "sha256.h"

#define SHA256_LONG 8          /* blocks from which on that is worth the call */

/* openssl/sha.h, as it has been since OpenSSL 0.9.8 */
typedef struct sha256_openssl {
  uint32_t state[8], bits[2], data[16];
  unsigned held, sum_length;
} sha256_openssl;

static struct {
  pthread_once_t once;
  int (*add)(sha256_openssl *, const void *bytes, size_t n);  /* NULL: it is not there */
} sha256 = {.once = PTHREAD_ONCE_INIT};


static const uint32_t sha256_k[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
  0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
  0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
  0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};


static uint32_t rotated (uint32_t x, int by) {
  return x >> by | x << (32 - by);
}


/* Turns a schedule of 16 words into the next 16. */
static void next_words (uint32_t w[16]) {
  for (int i = 0; i < 16; i++) {
    uint32_t a = w[(i + 1) & 15], b = w[(i + 14) & 15];
    w[i] += (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) + w[(i + 9) & 15] +
            (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
  }
}


/* One round; its letters move by one place from each to the next, which takes no time
** when it is the names that move (four times as fast as moving what they hold). */
#define SHA256_ROUND(a, b, c, d, e, f, g, h, k, w) do { \
  uint32_t one = (h) + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + \
                 ((g) ^ ((e) & ((f) ^ (g)))) + (k) + (w); \
  uint32_t two = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + \
                 (((a) & (b)) | ((c) & ((a) | (b)))); \
  (d) += one; \
  (h) = one + two; } while (0)


static void take_block (uint32_t state[8], const unsigned char *p) {
  uint32_t w[16];
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 16; i++, p += 4)
    w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
  for (int i = 0; i < 64; i += 8) {
    const uint32_t *k = sha256_k + i, *v = w + (i & 8);
    if (i > 0 && (i & 8) == 0) next_words(w);
    SHA256_ROUND(a, b, c, d, e, f, g, h, k[0], v[0]);
    SHA256_ROUND(h, a, b, c, d, e, f, g, k[1], v[1]);
    SHA256_ROUND(g, h, a, b, c, d, e, f, k[2], v[2]);
    SHA256_ROUND(f, g, h, a, b, c, d, e, k[3], v[3]);
    SHA256_ROUND(e, f, g, h, a, b, c, d, k[4], v[4]);
    SHA256_ROUND(d, e, f, g, h, a, b, c, k[5], v[5]);
    SHA256_ROUND(c, d, e, f, g, h, a, b, k[6], v[6]);
    SHA256_ROUND(b, c, d, e, f, g, h, a, k[7], v[7]);
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

#undef SHA256_ROUND


static void sha256_look (void) {
  const rw_beside needed[] = {{"SHA256_Update", &sha256.add}};
  (void)rw_beside_openssl(needed, 1);
}


static void take_blocks (uint32_t state[8], const unsigned char *p, size_t count) {
  if (count >= SHA256_LONG) (void)pthread_once(&sha256.once, sha256_look);
  if (count >= SHA256_LONG && sha256.add) {
    sha256_openssl s = {.held = 0};
    memcpy(s.state, state, sizeof s.state);
    (void)sha256.add(&s, p, count * 64); /* cannot fail */
    memcpy(state, s.state, sizeof s.state);
  } else {
    for (; count > 0; p += 64, count--) take_block(state, p);
  }
}


void rw_sha256_begin (rw_sha256 *s) {
  static const uint32_t first[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
    0x1f83d9ab, 0x5be0cd19
  };
  memcpy(s->state, first, sizeof first);
  s->length = 0;
}


void rw_sha256_add (rw_sha256 *s, const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  size_t held = (size_t)(s->length % sizeof s->block);
  s->length += n;
  if (held > 0) {
    size_t more = sizeof s->block - held < n ? sizeof s->block - held : n;
    memcpy(s->block + held, p, more);
    p += more;
    n -= more;
    if (held + more < sizeof s->block) return;
    take_block(s->state, s->block);
  }
  take_blocks(s->state, p, n / sizeof s->block);
  p += n - n % sizeof s->block;
  n %= sizeof s->block;
  if (n > 0) memcpy(s->block, p, n);
}


void rw_sha256_raw (rw_sha256 *s, unsigned char sum[RW_SHA256_BYTES]) {
  static const unsigned char padding[64] = {0x80};
  uint64_t bits = s->length * 8;
  size_t held = (size_t)(s->length % sizeof s->block);
  unsigned char tail[8];
  for (int i = 0; i < 8; i++) tail[i] = (unsigned char)(bits >> (56 - 8 * i));
  rw_sha256_add(s, padding, held < 56 ? 56 - held : 120 - held);
  rw_sha256_add(s, tail, sizeof tail);
  for (int i = 0; i < RW_SHA256_BYTES; i++)
    sum[i] = (unsigned char)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}


void rw_sha256_end (rw_sha256 *s, char hex[RW_SHA256_HEX + 1]) {
  static const char digits[] = "0123456789abcdef";
  unsigned char sum[RW_SHA256_BYTES];
  rw_sha256_raw(s, sum);
  for (int i = 0; i < RW_SHA256_HEX; i++)
    hex[i] = digits[i % 2 == 0 ? sum[i / 2] >> 4 : sum[i / 2] & 15];
  hex[RW_SHA256_HEX] = '\0';
}


/* One of the two keys that RFC 2104 makes of one, and the sum that begins with it. */
static void begin_keyed (rw_sha256 *s, const unsigned char key[64], unsigned char pad) {
  unsigned char block[64];
  for (size_t i = 0; i < sizeof block; i++) block[i] = key[i] ^ pad;
  rw_sha256_begin(s);
  rw_sha256_add(s, block, sizeof block);
}


void rw_hmac_begin (rw_hmac *h, const void *key, size_t n) {
  unsigned char whole[64] = {0};
  if (n > sizeof whole) {
    rw_sha256_begin(&h->inner);
    rw_sha256_add(&h->inner, key, n);
    rw_sha256_raw(&h->inner, whole);
  }
  else if (n > 0) memcpy(whole, key, n);
  begin_keyed(&h->inner, whole, 0x36);
  begin_keyed(&h->outer, whole, 0x5c);
}


void rw_hmac_add (rw_hmac *h, const void *bytes, size_t n) {
  rw_sha256_add(&h->inner, bytes, n);
}


void rw_hmac_end (rw_hmac *h, unsigned char mac[RW_SHA256_BYTES]) {
  rw_sha256_raw(&h->inner, mac);
  rw_sha256_add(&h->outer, mac, RW_SHA256_BYTES);
  rw_sha256_raw(&h->outer, mac);
}
