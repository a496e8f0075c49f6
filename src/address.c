/*
** address.c: which network addresses are this machine, private, or public.
** "Private" is everything that is not plainly a host on the open internet,
** after the special-purpose registries (RFC 6890 and its updates).
*/
#include "system.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "address.h"


static const struct { uint32_t net; int bits; } private4[] = {
  {0x00000000, 8},             /* this network */
  {0x0a000000, 8},             /* private */
  {0x64400000, 10},            /* shared by carriers */
  {0xa9fe0000, 16},            /* link-local, cloud metadata */
  {0xac100000, 12},            /* private */
  {0xc0000000, 24},            /* protocol assignments */
  {0xc0000200, 24},            /* documentation */
  {0xc0586300, 24},            /* 6to4 relays */
  {0xc0a80000, 16},            /* private */
  {0xc6120000, 15},            /* benchmarks */
  {0xc6336400, 24},            /* documentation */
  {0xcb007100, 24},            /* documentation */
  {0xe0000000, 3},             /* multicast, reserved, broadcast */
};


static rw_address of_ipv4 (uint32_t ip) {
  if (ip >> 24 == 127) return RW_ADDR_LOOPBACK;
  for (size_t i = 0; i < sizeof private4 / sizeof *private4; i++) {
    int shift = 32 - private4[i].bits;
    if (ip >> shift == private4[i].net >> shift) return RW_ADDR_PRIVATE;
  }
  return RW_ADDR_PUBLIC;
}


static uint32_t word (const unsigned char *b) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}


/*
** An IPv4 address that a gateway somewhere on the way takes out of an IPv6
** one. 127.0.0.1 is the gateway then, and not this machine.
*/
static rw_address of_carried (uint32_t ip) {
  return of_ipv4(ip) == RW_ADDR_PUBLIC ? RW_ADDR_PUBLIC : RW_ADDR_PRIVATE;
}


static rw_address of_ipv6 (const unsigned char b[16]) {
  static const unsigned char zeros[15] = {0};
  if (memcmp(b, zeros, 15) == 0 && b[15] == 1) return RW_ADDR_LOOPBACK;
  /* the one form that this machine's own kernel takes for the IPv4 inside */
  if (memcmp(b, zeros, 10) == 0 && b[10] == 0xff && b[11] == 0xff)
    return of_ipv4(word(b + 12));                /* ::ffff:a.b.c.d */
  if (word(b) == 0x0064ff9b && memcmp(b + 4, zeros, 8) == 0)
    return of_carried(word(b + 12));             /* NAT64 */
  if (b[0] == 0x20 && b[1] == 0x02) return of_carried(word(b + 2)); /* 6to4 */
  /* not 2000::/3: ::, ::a.b.c.d, 64:ff9b:1::, fc00::, fe80::, fec0::, ... */
  if ((b[0] & 0xe0) != 0x20) return RW_ADDR_PRIVATE;
  if (word(b) == 0x20010db8) return RW_ADDR_PRIVATE; /* documentation */
  if (word(b) >> 12 == 0x3fff0) return RW_ADDR_PRIVATE; /* documentation */
  /* 2001::/23: protocol assignments, Teredo among them */
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] < 2) return RW_ADDR_PRIVATE;
  return RW_ADDR_PUBLIC;
}


rw_address rw_address_of (const struct sockaddr *a) {
  if (a->sa_family == AF_INET) {
    struct sockaddr_in in;
    memcpy(&in, a, sizeof in);
    return of_ipv4(ntohl(in.sin_addr.s_addr));
  }
  if (a->sa_family == AF_INET6) {
    struct sockaddr_in6 in6;
    memcpy(&in6, a, sizeof in6);
    return of_ipv6(in6.sin6_addr.s6_addr);
  }
  return RW_ADDR_PRIVATE;
}


int rw_address_parse (const char *text, unsigned char to[16]) {
  char bare[64];
  size_t n = strcspn(text, "%");                 /* without a zone */
  if (n >= sizeof bare) return 0;
  memcpy(bare, text, n);
  bare[n] = '\0';
  if (inet_pton(AF_INET, bare, to) == 1) return 4;
  return inet_pton(AF_INET6, bare, to) == 1 ? 6 : 0;
}


bool rw_address_is_text (const char *text) {
  unsigned char bytes[16];
  return rw_address_parse(text, bytes) != 0;
}


rw_address rw_address_of_text (const char *text) {
  unsigned char bytes[16];
  switch (rw_address_parse(text, bytes)) {
    case 4: return of_ipv4(word(bytes));
    case 6: return of_ipv6(bytes);
    default: return RW_ADDR_PRIVATE;
  }
}
