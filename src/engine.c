/*
** engine.c: the hand-over between the caller and the network thread. Requests
** in, finished requests out.
**
** The path of a request:
**   inbox -> [disk] -> its lane's line -> libcurl -> [disk] -> done -> take
** The inbox, the cancel list, what comes back from the disk and the done list
** are shared and guarded by the mutex; what lies between is the network's, and
** that is the thread's alone.
*/
#include "system.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "clock.h"
#include "engine.h"
#include "farewell.h"
#include "network.h"
#include "queue.h"
#include "thread.h"

#define CLOSE_MS 100           /* how long a close may hold its caller */

struct rw_engine {
  /* shared, under the lock */
  pthread_mutex_t lock;
  pthread_cond_t over_changed;
  rw_queue inbox, back, done;  /* `back`: from the disk */
  rw_request *cancels;
  bool listening;              /* the thread can be woken */
  bool closing, over;
  bool orphan;                 /* the caller left; the thread frees the engine */
  bool joinable;               /* the thread is to be joined, or detached */
  pthread_t thread;

  /* set once */
  pid_t owner;
  rw_wake wake;
  rw_farewell farewell;

  rw_stats stats;              /* atomic */
  atomic_size_t done_count;    /* of `done`: a frame that finds none takes no lock, whose holder
                                  the kernel may have put aside */

  /* the caller's */
  size_t pending;

  /* the thread's */
  rw_network network;
};


/* Under the lock. */
static void wake_thread (rw_engine *e) {
  if (e->listening) rw_network_wake(&e->network);
}


/* Leaves a request for the thread, under the lock. One that finds others there need
** not wake it: it was woken for the first, and takes in all when it comes. */
static void leave (rw_engine *e, rw_queue *q, rw_request *r) {
  bool first = q->first == NULL;
  rw_queue_push(q, r);
  if (first) wake_thread(e);
}


/*
** {=================================================================
** The thread
** ==================================================================
*/

static void to_caller (void *data, rw_request *r) {
  rw_engine *e = data;
  bool first;
  pthread_mutex_lock(&e->lock);
  first = e->done.first == NULL;
  r->done = true;
  rw_queue_push(&e->done, r);
  atomic_fetch_add(&e->done_count, 1);
  pthread_mutex_unlock(&e->lock);
  if (first) rw_wake_ring(e->wake.in);
}


/* Called on a thread of the disk's. */
static void from_disk (void *data, rw_request *r) {
  rw_engine *e = data;
  pthread_mutex_lock(&e->lock);
  leave(e, &e->back, r);
  pthread_mutex_unlock(&e->lock);
}


/*
** The next request to cancel, or NULL. One at a time: until it is cancelled
** nothing else may finish, for a finished request is the caller's to free.
*/
static rw_request *next_cancel (rw_engine *e) {
  rw_request *r;
  pthread_mutex_lock(&e->lock);
  do {
    r = e->cancels;
    if (!r) break;
    e->cancels = r->next_cancel;
    r->cancelling = false;
  } while (r->done || (r->unless_sent && r->sent));  /* needs no cancelling */
  if (r && r->state == RW_ENTERING) rw_queue_remove(&e->inbox, r);
  pthread_mutex_unlock(&e->lock);
  return r;
}


/* Takes in what the caller and the disk left; false when it is to end. */
static bool engine_receive (rw_engine *e) {
  rw_queue in = {0}, back = {0};
  rw_request *r;
  bool go_on;
  /* first: what was cancelled may hold what a new request wants */
  while ((r = next_cancel(e)) != NULL) rw_network_cancel(&e->network, r);
  pthread_mutex_lock(&e->lock);
  go_on = !e->closing;
  if (go_on) {                           /* else they end where they are */
    rw_queue_move(&in, &e->inbox);
    rw_queue_move(&back, &e->back);
    for (r = in.first; r; r = r->next) r->state = RW_IN_LINE;
  }
  pthread_mutex_unlock(&e->lock);
  while ((r = rw_queue_pop(&back)) != NULL) rw_network_return(&e->network, r);
  while ((r = rw_queue_pop(&in)) != NULL) rw_network_enter(&e->network, r);
  return go_on;
}


static void free_engine (rw_engine *e) {
  rw_network_shut(&e->network);
  rw_queue_free(&e->inbox);
  rw_queue_free(&e->back);
  rw_queue_free(&e->done);
  rw_wake_close(&e->wake);
  pthread_cond_destroy(&e->over_changed);
  pthread_mutex_destroy(&e->lock);
  free(e);
}


static void *engine_main (void *arg) {
  rw_engine *e = arg;
  bool orphan;
  while (engine_receive(e)) rw_network_turn(&e->network);
  rw_network_stop(&e->network);
  pthread_mutex_lock(&e->lock);
  e->listening = false;
  pthread_mutex_unlock(&e->lock);
  rw_network_leave(&e->network);
  rw_farewell_leave(&e->farewell);
  rw_network_shut(&e->network);
  pthread_mutex_lock(&e->lock);
  e->over = true;
  orphan = e->orphan;
  pthread_cond_signal(&e->over_changed);
  pthread_mutex_unlock(&e->lock);
  if (orphan) free_engine(e);
  return NULL;
}

/* }================================================================= */


/*
** {=================================================================
** The caller's side
** ==================================================================
*/

static void ask_to_end (void *data) {
  rw_engine *e = data;
  pthread_mutex_lock(&e->lock);
  e->closing = true;
  if (e->listening) rw_network_hurry(&e->network);
  pthread_mutex_unlock(&e->lock);
}


/* The process ends: who started the thread may never come back to join it. */
static void say_farewell (void *data) {
  rw_engine *e = data;
  pthread_mutex_lock(&e->lock);
  if (e->joinable) (void)pthread_detach(e->thread);
  e->joinable = false;
  pthread_mutex_unlock(&e->lock);
  ask_to_end(e);
}


/* NULL, or why it cannot. */
static const char *start_engine (rw_engine *e) {
  const char *why;
  bool started;
  if (!rw_wake_open(&e->wake)) return "no file descriptors left for the engine";
  if ((why = rw_network_open(&e->network)) != NULL) return why;
  e->listening = true;
  e->farewell = (rw_farewell){.stop = say_farewell, .data = e};
  rw_farewell_enter(&e->farewell);
  pthread_mutex_lock(&e->lock);          /* the process may end meanwhile */
  started = rw_thread_start(&e->thread, "runway", engine_main, e);
  e->joinable = started;
  pthread_mutex_unlock(&e->lock);
  if (started) return NULL;
  rw_farewell_leave(&e->farewell);
  return "the engine's thread cannot be started";
}


rw_engine *rw_engine_new (bool trace, const char **why) {
  rw_engine *e = calloc(1, sizeof *e);
  *why = "no memory for the engine";
  if (!e) return NULL;
  e->owner = getpid();
  e->network = (rw_network){
    .stats = &e->stats, .trace = trace,
    .finished = to_caller, .back = from_disk, .owner = e
  };
  pthread_mutex_init(&e->lock, NULL);
  rw_condition_init(&e->over_changed);
  *why = start_engine(e);
  if (!*why) return e;
  free_engine(e);
  return NULL;
}


bool rw_engine_usable (const rw_engine *e) {
  return e->owner == getpid();
}


void rw_engine_start (rw_engine *e, rw_request *r) {
  e->pending++;
  rw_count(&e->stats, started, 1);
  pthread_mutex_lock(&e->lock);
  leave(e, &e->inbox, r);
  pthread_mutex_unlock(&e->lock);
}


void rw_engine_cancel (rw_engine *e, rw_request *r, bool unless_sent) {
  pthread_mutex_lock(&e->lock);
  if (!r->cancelling) {                  /* the thread skips a finished one */
    r->cancelling = r->unless_sent = true;
    r->next_cancel = e->cancels;
    e->cancels = r;
  }
  if (!unless_sent) r->unless_sent = false;
  wake_thread(e);
  pthread_mutex_unlock(&e->lock);
}


static bool has_done (const rw_engine *e) {
  return atomic_load(&e->done_count) > 0;
}


rw_request *rw_engine_done (rw_engine *e) {
  rw_request *r;
  if (!has_done(e)) return NULL;
  pthread_mutex_lock(&e->lock);
  r = e->done.first;
  pthread_mutex_unlock(&e->lock);
  return r;
}


rw_request *rw_engine_take (rw_engine *e) {
  rw_request *r, **at;
  pthread_mutex_lock(&e->lock);
  r = rw_queue_pop(&e->done);
  if (r) atomic_fetch_sub(&e->done_count, 1);
  if (r && r->cancelling)                /* the thread must not meet it again */
    for (at = &e->cancels; *at; at = &(*at)->next_cancel)
      if (*at == r) {
        *at = r->next_cancel;
        break;
      }
  pthread_mutex_unlock(&e->lock);
  if (r) e->pending--;
  return r;
}


size_t rw_engine_pending (const rw_engine *e) {
  return e->pending;
}


rw_stats *rw_engine_stats (rw_engine *e) {
  return &e->stats;
}


bool rw_engine_wait (rw_engine *e, double seconds) {
  bool rang = rw_wake_wait(&e->wake, has_done(e) ? 0 : seconds);
  if (rang) rw_wake_silence(&e->wake);
  return rang || has_done(e);
}


const rw_wake *rw_engine_wake (const rw_engine *e) {
  return &e->wake;
}


void rw_engine_close (rw_engine *e) {
  struct timespec limit;
  pthread_t thread;
  bool over, joinable;
  int err = 0;
  if (!rw_engine_usable(e)) return;      /* a fork's copy: not ours to touch */
  rw_deadline_in(&limit, CLOSE_MS);
  ask_to_end(e);
  pthread_mutex_lock(&e->lock);
  while (!e->over && err == 0)
    err = pthread_cond_timedwait(&e->over_changed, &e->lock, &limit);
  over = e->over;
  e->orphan = !over;
  thread = e->thread;
  joinable = e->joinable;
  e->joinable = false;
  if (joinable && !over) (void)pthread_detach(thread);
  pthread_mutex_unlock(&e->lock);        /* an orphan is its thread's from here on */
  if (!over) return;
  if (joinable) (void)pthread_join(thread, NULL);
  free_engine(e);
}

/* }================================================================= */

/* }================================================================= */
