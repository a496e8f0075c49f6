/*
** outcome.h: what came of an exchange.
*/
#ifndef RW_OUTCOME_H
#define RW_OUTCOME_H

#include "request.h"
#include "stats.h"

#pragma GCC visibility push(hidden)

/* Why an address is refused, for the reader. */
extern const char rw_forbidden_address[];

/* Does what came of a file, as far as it came, begin like one and not like
** somebody's words? False with r->error set. */
bool rw_outcome_is_media (rw_request *r);

/* Fills in what came of the exchange of r->easy, which ended with `code`. */
void rw_outcome_read (rw_request *r, CURLcode code);

#pragma GCC visibility pop

#endif
