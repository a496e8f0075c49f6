/*
** clock.h: monotonic time: the one clock that decides a time-out.
*/
#ifndef RW_CLOCK_H
#define RW_CLOCK_H

#include <stdint.h>
#include <time.h>

#pragma GCC visibility push(hidden)

double rw_now (void);          /* seconds */
int64_t rw_now_ms (void);      /* whole milliseconds */

/* `ms` from now, as pthread_cond_timedwait wants it (see rw_condition_init). */
void rw_deadline_in (struct timespec *t, long ms);

#pragma GCC visibility pop

#endif
