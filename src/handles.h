/*
** handles.h: easy handles that wait for another exchange. What all exchanges have
** in common is set on one when it is made; who takes it sets what differs, and who
** gives it back leaves nothing on it that points to what is released.
** All calls belong to the thread that runs the transfers.
*/
#ifndef RW_HANDLES_H
#define RW_HANDLES_H

#include <stdbool.h>

#include <curl/curl.h>

#pragma GCC visibility push(hidden)

#define RW_HANDLES_MOST 128    /* beyond, one that is given back is released: 5 KiB
                                  each, and as many as there are idle connections */

typedef struct rw_handles {
  unsigned count;
  CURL *at[RW_HANDLES_MOST];
} rw_handles;

/* The one that was used last; NULL when none waits. */
CURL *rw_handles_take (rw_handles *h);

/* False when there are enough: it is still the caller's. */
bool rw_handles_give (rw_handles *h, CURL *easy);

void rw_handles_free (rw_handles *h);

#pragma GCC visibility pop

#endif
