/*
** arrival.h: an answer as it arrives.
*/
#ifndef RW_ARRIVAL_H
#define RW_ARRIVAL_H

#include "request.h"

#pragma GCC visibility push(hidden)

/* libcurl's callbacks for a line of the head and for bytes of the body; `data` is
** the request. What they do not return in full ends the transfer: r->error says why,
** if the head does not (see rw_transfer_again and rw_resume_judge). */
size_t rw_arrival_header (char *line, size_t size, size_t n, void *data);
size_t rw_arrival_body (char *bytes, size_t size, size_t n, void *data);

#pragma GCC visibility pop

#endif
