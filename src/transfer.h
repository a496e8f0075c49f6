/*
** transfer.h: one HTTP exchange over a libcurl easy handle.
** All calls belong to the engine's thread, but for rw_url_check.
*/
#ifndef RW_TRANSFER_H
#define RW_TRANSFER_H

#include "request.h"

#pragma GCC visibility push(hidden)

/*
** Makes r->easy ready for curl_multi_add_handle: opens the files, assembles
** the body, sets every option. False with r->error set: nothing was sent and
** r may be given back as it is.
*/
bool rw_transfer_begin (rw_request *r);

/*
** Reads what came of it after libcurl said `code`, puts a file in place, and
** releases the handle. The handle must be out of its multi by then.
*/
void rw_transfer_end (rw_request *r, CURLcode code);

/* Releases the handle of a transfer that shall not be finished. */
void rw_transfer_drop (rw_request *r);

/* The parts of a URL that decide what may be done with it. */
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
