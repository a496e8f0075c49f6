/*
** term.h: SIGTERM as a word that a worker looks for, and not the end.
*/
#ifndef RW_TERM_H
#define RW_TERM_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

/* From now on SIGTERM is noted, and the second one ends the process; a handler
** that someone else has set stays. */
void rw_term_catch (void);

bool rw_term_came (void);

#pragma GCC visibility pop

#endif
