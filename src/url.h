/*
** url.h: the parts of a URL that decide what may be done with it.
*/
#ifndef RW_URL_H
#define RW_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"

#pragma GCC visibility push(hidden)

typedef struct rw_url {
  char scheme[8];              /* "http" or "https" */
  char host[256];              /* lower case, ASCII; an IPv6 address without
                                  brackets, a name without a last dot, and
                                  0x7f.1 as 127.0.0.1 */
  char port[8];                /* always set */
  bool literal;                /* the host is an address, not a name */
  bool localhost;              /* the host is localhost or a name below it */
  bool loopback;               /* localhost, or an address of this machine */
  bool odd;                    /* the host was written in a way that is read in
                                  more than one: "%31", other alphabets, a dot at
                                  its end */
  rw_address address;          /* of localhost or a literal; else private */
} rw_url;

/*
** Takes a URL of `len` bytes, with a NUL behind them, apart. Returns NULL, or
** why it is refused (a literal): control bytes or spaces, another scheme than
** http or https, a user name in it, ...
*/
const char *rw_url_check (const char *url, size_t len, rw_url *out);

/*
** The same URL with its host as it was judged, for libcurl: an address in
** plain form, a name of another alphabet as DNS spells it (libcurl reads it by
** the host program's locale). To be freed; NULL when it stands so already.
*/
char *rw_url_as_judged (const char *url, const rw_url *parts);

#pragma GCC visibility pop

#endif
