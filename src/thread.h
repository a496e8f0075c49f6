/*
** thread.h: starting a thread of ours: with a name, and all signals blocked in
** it, so that none of the host's handlers ever runs there.
*/
#ifndef RW_THREAD_H
#define RW_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden)

/*
** Keeps this library mapped for the life of the process: lua_close unloads
** libraries, and neither a thread that is still ending nor the handler of a
** signal must lose its code. Where the module is linked into the program there
** is nothing to do.
*/
void rw_stay_loaded (void);

/* `name` has at most 15 bytes. False: it could not be started. */
bool rw_thread_start (pthread_t *thread, const char *name,
                      void *(*body)(void *), void *data);

/* Blocks all signals in the calling thread, for a library that starts threads
** by itself meanwhile; *before is for rw_signals_restore. */
void rw_signals_block (sigset_t *before);
void rw_signals_restore (const sigset_t *before);

/* A condition on the clock that rw_deadline_in counts on. */
void rw_condition_init (pthread_cond_t *c);

#pragma GCC visibility pop

#endif
