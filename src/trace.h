/*
** trace.h: what goes over the wire, told on standard error (RUNWAY_TRACE=1).
** Never a key, a query, a cookie, a proxy's password or a byte of a body.
*/
#ifndef RW_TRACE_H
#define RW_TRACE_H

#include "request.h"

#pragma GCC visibility push(hidden)

/* Asks libcurl to tell of this request; r->easy is there. */
bool rw_trace_begin (rw_request *r);

/* Tells how it ended. */
void rw_trace_end (rw_request *r);

#pragma GCC visibility pop

#endif
