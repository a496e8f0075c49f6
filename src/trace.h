/*
** trace.h: what goes over the wire, told on standard error (RUNWAY_TRACE=1).
** Never a key, a query, a cookie, a proxy's password or a byte of a body.
*/
#ifndef RW_TRACE_H
#define RW_TRACE_H

#include "request.h"

#pragma GCC visibility push(hidden)

/* Tells what is asked for. */
void rw_trace_begin (const rw_request *r);

/* Tells what libcurl has told its debug callback. */
void rw_trace_tell (rw_request *r, curl_infotype type, const char *data, size_t n);

/* Tells how it ended. */
void rw_trace_end (rw_request *r);

#pragma GCC visibility pop

#endif
