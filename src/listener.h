/*
** listener.h: HTTP in, over libmicrohttpd. Knows no Lua (lua_listener.c does).
**
** All calls below come from one thread (the Lua state's). Behind them one
** thread of libmicrohttpd speaks HTTP and one of our own keeps time. A request
** that has come in whole is queued, its connection suspended, until it is
** answered. It is named by its id, never by a pointer: an id that was answered
** before, or never given, names nothing, and answering it does no harm.
*/
#ifndef RW_LISTENER_H
#define RW_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "listener_answer.h"

#pragma GCC visibility push(hidden)

typedef struct rw_listener rw_listener;

typedef struct rw_listen_options {
  const char *host;            /* an IPv4 or IPv6 address */
  uint16_t port;               /* 0: any free one */
  int notify;                  /* gets a byte per request; -1: none. It is
                                  duplicated, and made non-blocking */
  size_t max_body_bytes;       /* a longer body gets 413 and is never queued */
} rw_listen_options;

/*
** A request as it came. `head` is a row of strings, each with its NUL: the
** target (path and query as sent), the method, then name, value, name, value,
** ... of the headers in their order.
*/
typedef struct rw_incoming {
  uint64_t id;
  const char *head, *body;
  size_t head_length, body_length;
} rw_incoming;

/* NULL, with the reason in `why`, when it cannot listen. */
rw_listener *rw_listener_open (const rw_listen_options *options, char *why,
                               size_t size);

/* False in a child of fork: there nothing but rw_listener_close may be
** called, and that does nothing. */
bool rw_listener_usable (const rw_listener *l);
uint16_t rw_listener_port (const rw_listener *l);

/* Of libmicrohttpd, as it is loaded: "0.9.75". */
const char *rw_listener_library (void);

/* The oldest request not yet taken, readable until rw_listener_took; NULL when
** there is none. */
const rw_incoming *rw_listener_first (rw_listener *l);

/* Hands that request over: its bytes are freed, its id may be answered. */
void rw_listener_took (rw_listener *l);

/* True: the answer is the listener's now. False: no such request waits. */
bool rw_listener_answer (rw_listener *l, uint64_t id, rw_answer *answer);

/* Answers under way have a moment to leave, all else is cut. Under 100 ms. */
void rw_listener_close (rw_listener *l);

#pragma GCC visibility pop

#endif
