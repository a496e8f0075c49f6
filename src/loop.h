/*
** loop.h: an engine and its thread, for engine.c and loop.c alone.
*/
#ifndef RW_LOOP_H
#define RW_LOOP_H

#include <pthread.h>
#include <sys/types.h>

#include "disk.h"
#include "farewell.h"
#include "queue.h"
#include "stats.h"
#include "wake.h"

#pragma GCC visibility push(hidden)

typedef struct rw_engine rw_engine;      /* as in engine.h */

typedef struct rw_lane {
  rw_queue unprepared, line;
  unsigned staged, active, limit;
} rw_lane;

struct rw_engine {
  /* shared, under the lock */
  pthread_mutex_t lock;
  pthread_cond_t over_changed;
  rw_queue inbox, back, done;  /* `back`: from the disk */
  rw_request *cancels;
  bool closing, over;
  bool orphan;                 /* the caller left; the thread frees the engine */
  CURLM *multi;                /* NULL once the thread has left libcurl */

  /* set once */
  pid_t owner;
  rw_wake wake;
  rw_disk *disk;
  bool trace;
  pthread_t thread;
  rw_farewell farewell;

  rw_stats stats;              /* atomic */

  /* the caller's */
  size_t pending;

  /* the thread's */
  rw_lane *lanes;
  unsigned nlanes;
  rw_queue active;
  double next_deadline;        /* no request's is earlier */
};

/* The body of the engine's thread: until `closing`. Then it has left libcurl and
** the disk; what was not taken lies in the inbox and among the done. */
void rw_loop_run (rw_engine *e);

/* For the disk: what is done there comes back. On any thread. */
void rw_loop_come_back (void *engine, rw_request *r);

#pragma GCC visibility pop

#endif
