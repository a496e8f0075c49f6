/*
** farewell.h: no thread of ours is within libcurl or TLS while the process
** tears them down. exit() runs their clean-up, and a handshake under way on
** another thread would crash in it.
*/
#ifndef RW_FAREWELL_H
#define RW_FAREWELL_H

#pragma GCC visibility push(hidden)

/* Owned by its user; linked in from rw_farewell_enter to rw_farewell_leave. */
typedef struct rw_farewell {
  void (*stop)(void *data);    /* asks its thread to leave; must not wait */
  void *data;
  struct rw_farewell *next, *prev;
} rw_farewell;

/* From now on exit() calls `stop` and waits, a second at most, for the leave.
** To be called after libcurl was initialised: what is said last runs first. */
void rw_farewell_enter (rw_farewell *f);
void rw_farewell_leave (rw_farewell *f);

#pragma GCC visibility pop

#endif
