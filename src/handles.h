/*
** handles.h: easy handles that wait for another exchange. What all exchanges have
** in common is set on one when it is made; who takes it sets what differs, and who
** gives it back leaves nothing on it that points to what is released. All of them share
** the sessions of TLS, so that a connection to a server that one of them has met costs
** no whole handshake: half the CPU of a connection.
** All calls belong to the thread that runs the transfers.
*/
#ifndef RW_HANDLES_H
#define RW_HANDLES_H

#include <stdbool.h>

#include <curl/curl.h>

/* Sets an option of a request's handle; false when libcurl has no memory for it. */
#define rw_set(r, option, value) \
  (curl_easy_setopt((r)->easy, CURLOPT_##option, (value)) == CURLE_OK)

#pragma GCC visibility push(hidden)

#define RW_HANDLES_MOST 128    /* beyond, one that is given back is released: 5 KiB
                                  each, and as many as there are idle connections */

typedef struct rw_handles {
  unsigned count;
  CURL *at[RW_HANDLES_MOST];
  CURLSH *shared;              /* NULL: none was made yet */
} rw_handles;

/* A new one, or NULL without memory. */
CURL *rw_handles_make (rw_handles *h);

/* The one that was used last; NULL when none waits. */
CURL *rw_handles_take (rw_handles *h);

/* False when there are enough: it is still the caller's. */
bool rw_handles_give (rw_handles *h, CURL *easy);

/* After all that it has made, but for those that were given back. */
void rw_handles_free (rw_handles *h);

#pragma GCC visibility pop

#endif
