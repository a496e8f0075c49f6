/*
** engine.h: the thread that does all I/O. Requests in, finished requests out.
**
** Ownership: rw_engine_start takes the request; rw_engine_take gives it back;
** in between the caller may only name it to rw_engine_cancel and read its two
** atomic counters. All calls below come from one thread (the Lua state's).
** Times are seconds.
*/
#ifndef RW_ENGINE_H
#define RW_ENGINE_H

#include <stdbool.h>

#include "request.h"
#include "stats.h"
#include "wake.h"

#pragma GCC visibility push(hidden)

typedef struct rw_engine rw_engine;

/* Starts a thread; NULL with *why (a literal) set. `trace`: what goes over the
** wire is told on standard error. */
rw_engine *rw_engine_new (bool trace, const char **why);

/* False in a child of fork: there the thread does not exist, and nothing but
** rw_engine_close may be called. */
bool rw_engine_usable (const rw_engine *e);

/* Hands a request over. It comes out of rw_engine_take, whatever happens. */
void rw_engine_start (rw_engine *e, rw_request *r);

/*
** Asks for an early end; the request still comes out of rw_engine_take, with
** RW_CANCELLED unless it was finished already. `unless_sent`: only if it has
** not left yet, which the thread alone can tell. Nothing waits.
*/
void rw_engine_cancel (rw_engine *e, rw_request *r, bool unless_sent);

/* The next finished request, which stays the engine's; NULL when there is none. */
rw_request *rw_engine_done (rw_engine *e);

/* The next finished request, now the caller's; NULL when there is none. */
rw_request *rw_engine_take (rw_engine *e);

/* Requests handed over and not taken yet. */
size_t rw_engine_pending (const rw_engine *e);

/*
** Waits up to `seconds` for something to take (0: only looks; < 0: no limit).
** True when there is; false on time-out or when a signal came. Also true when
** someone else wrote to the notify descriptor.
*/
bool rw_engine_wait (rw_engine *e, double seconds);

/* Its descriptors: `out` is readable when there may be something to take, until
** rw_engine_wait; a byte written to `in` wakes that. */
const rw_wake *rw_engine_wake (const rw_engine *e);

rw_stats *rw_engine_stats (rw_engine *e);

/*
** Ends it: transfers are dropped, .part files removed, programs killed, all
** requests released, taken ones excepted. Returns within 100 ms; a thread that is held up by
** then (in a name look-up, in a sync) ends by itself, using nothing of the
** caller's. In a child of fork it does nothing.
*/
void rw_engine_close (rw_engine *e);

#pragma GCC visibility pop

#endif
