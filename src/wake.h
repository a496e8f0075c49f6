/*
** wake.h: a bell between threads, as a pair of descriptors: what is rung at one
** end makes the other readable, until it is silenced.
*/
#ifndef RW_WAKE_H
#define RW_WAKE_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

typedef struct rw_wake {
  int out, in;                 /* wait on `out`; ring at `in`; -1: not open */
} rw_wake;

/* False, with errno set, without descriptors. Both ends are close-on-exec and
** never block. They are what an engine, a store or a listener opens first: of
** 0, 1 and 2, those that are closed lead to /dev/null from then on. */
bool rw_wake_open (rw_wake *w);
void rw_wake_close (rw_wake *w);

void rw_wake_ring (int in);    /* any descriptor will do; -1: no one to wake */
void rw_wake_silence (const rw_wake *w);

/* Waits until it rings; `seconds` < 0: without limit. False on time-out, or
** when a signal came. */
bool rw_wake_wait (const rw_wake *w, double seconds);

/* Waits `seconds` (< 0: without limit), or until a signal comes. */
void rw_pause (double seconds);

/* Makes a descriptor close-on-exec and non-blocking. */
bool rw_descriptor_prepare (int fd);

#pragma GCC visibility pop

#endif
