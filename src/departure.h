/*
** departure.h: a request's method and body, given to libcurl.
*/
#ifndef RW_DEPARTURE_H
#define RW_DEPARTURE_H

#include "request.h"

#pragma GCC visibility push(hidden)

/* Sets both on r->easy, and r->upload_size; false when there is no memory. */
bool rw_departure_set (rw_request *r);

#pragma GCC visibility pop

#endif
