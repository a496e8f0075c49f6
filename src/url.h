/*
** url.h: the parts of a URL that decide what may be done with it.
*/
#ifndef RW_URL_H
#define RW_URL_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

typedef struct rw_url {
  char scheme[8];              /* "http" or "https" */
  char host[256];              /* lower case; an IPv6 address without brackets */
  char port[8];                /* always set */
  bool literal;                /* the host is an address, not a name */
  bool loopback;               /* localhost, 127.0.0.0/8 or [::1], as written */
} rw_url;

/*
** Takes a URL apart. Returns NULL, or why it is refused (a literal): control
** bytes or spaces, another scheme than http or https, a user name in it, ...
*/
const char *rw_url_check (const char *url, size_t len, rw_url *out);

#pragma GCC visibility pop

#endif
