/*
** header.h: which bytes a header may hold: the one rule for all that are sent,
** by requests and by the listener.
*/
#ifndef RW_HEADER_H
#define RW_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* A name, or a method: a token of RFC 9110. */
bool rw_header_is_token (const char *s, size_t n);

/* A value: no control character but the tab, so no line can be broken. */
bool rw_header_is_value (const char *s, size_t n);

/* Writes `n` bytes to `to`, A-Z in lower case, whatever the host's locale. */
void rw_header_lower (char *to, const char *from, size_t n);

/* Are the first `n` bytes the same but for A-Z and a-z, in any locale? Ends at
** a NUL in either. */
bool rw_header_same (const char *a, const char *b, size_t n);

/*
** The value of a header in a block of them ("\r\n" between, as they came), the
** first of that name in any case; NULL when there is none. *n is its length,
** spaces at its ends left out.
*/
const char *rw_header_find (const char *block, const char *name, size_t *n);

#pragma GCC visibility pop

#endif
