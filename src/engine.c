/*
** engine.c: the I/O thread. Requests in, libcurl's multi interface, results
** out.
**
** The path of a request:
**   inbox -> [disk] -> its lane's line -> libcurl -> [disk] -> done -> take
** The inbox, the cancel list, what comes back from the disk and the done list
** are shared and guarded by the mutex; lines, transfers and the multi handle are
** the thread's alone. A lane lets a bounded number of its requests run at once,
** so that libcurl never holds a queue of its own (its own costs nine times the
** CPU). Nothing here waits for a disk.
*/
#include <pthread.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "clock.h"
#include "disk.h"
#include "engine.h"
#include "farewell.h"
#include "queue.h"
#include "stage.h"
#include "thread.h"
#include "tls.h"
#include "transfer.h"

#define CLOSE_MS 100           /* how long a close may hold its caller */
#define STAGED 8               /* of one lane's requests: prepared on the disk, or
                                  being so, and not running yet. What is encoded
                                  is memory */

typedef struct lane {
  rw_queue unprepared, line;
  unsigned staged, active, limit;
} lane;

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
  lane *lanes;
  unsigned nlanes;
  rw_queue active;
};


/*
** {=================================================================
** The thread: one request's way
** ==================================================================
*/

/* Hands it to the caller. */
static void finish (rw_engine *e, rw_request *r) {
  bool first;
  rw_count(&e->stats, finished, 1);
  if (r->error.kind != RW_OK) rw_count(&e->stats, failed, 1);
  if (r->error.kind == RW_CANCELLED) rw_count(&e->stats, cancelled, 1);
  pthread_mutex_lock(&e->lock);
  first = e->done.first == NULL;
  r->done = true;
  rw_queue_push(&e->done, r);
  pthread_mutex_unlock(&e->lock);
  if (first) rw_wake_ring(e->wake.in);
}


static lane *lane_of (rw_engine *e, unsigned number) {
  if (number >= e->nlanes) {
    unsigned n = number + 16;
    lane *lanes = realloc(e->lanes, n * sizeof *lanes);
    if (!lanes) return NULL;
    for (unsigned i = e->nlanes; i < n; i++) lanes[i] = (lane){.limit = 1};
    e->lanes = lanes;
    e->nlanes = n;
  }
  return &e->lanes[number];
}


static void to_disk (rw_engine *e, rw_request *r, rw_side side) {
  r->state = side == RW_BEFORE ? RW_PREPARING : RW_FINISHING;
  rw_count(&e->stats, on_disk, 1);
  rw_disk_give(e->disk, r, side);
}


/* The network has done with it; what it holds open goes back over the disk. */
static void conclude (rw_engine *e, rw_request *r) {
  if (rw_stage_needed_after(r)) to_disk(e, r, RW_AFTER);
  else finish(e, r);
}


static void conclude_cancelled (rw_engine *e, rw_request *r) {
  rw_fail(&r->error, RW_CANCELLED, "cancelled", "cancelled");
  conclude(e, r);
}


/* Lets those of a lane that need the disk go there, a few at a time. */
static void prepare (rw_engine *e, lane *l) {
  while (l->staged < STAGED && l->unprepared.first) {
    rw_request *r = rw_queue_pop(&l->unprepared);
    r->staged = true;
    l->staged++;
    to_disk(e, r, RW_BEFORE);
  }
}


static void unstage (rw_engine *e, rw_request *r) {
  lane *l = &e->lanes[r->lane];
  if (!r->staged) return;
  r->staged = false;
  l->staged--;
  prepare(e, l);
}


/* Gives a request to libcurl; one that cannot begin is finished at once. */
static void begin (rw_engine *e, lane *l, rw_request *r) {
  unstage(e, r);
  rw_count(&e->stats, waiting, -1);
  if (rw_transfer_begin(r)) {
    if (curl_multi_add_handle(e->multi, r->easy) == CURLM_OK) {
      r->state = RW_RUNNING;
      l->active++;
      rw_count(&e->stats, running, 1);
      rw_queue_push(&e->active, r);
      return;
    }
    rw_fail(&r->error, RW_LIMIT, "memory", "no memory for a transfer");
    rw_transfer_drop(r);
  }
  conclude(e, r);
}


static void pump (rw_engine *e, lane *l) {
  while (l->active < l->limit && l->line.first) begin(e, l, rw_queue_pop(&l->line));
}


/* It has all it needs: into the line of its lane. */
static void line_up (rw_engine *e, lane *l, rw_request *r) {
  r->state = RW_PREPARED;
  rw_count(&e->stats, waiting, 1);
  rw_queue_push(&l->line, r);
  pump(e, l);
}


/* Takes a request out of libcurl; its lane's next one may run. */
static void leave (rw_engine *e, rw_request *r) {
  (void)curl_multi_remove_handle(e->multi, r->easy);
  rw_queue_remove(&e->active, r);
  rw_count(&e->stats, running, -1);
  e->lanes[r->lane].active--;
}


static void reap (rw_engine *e) {
  CURLMsg *msg;
  int left;
  while ((msg = curl_multi_info_read(e->multi, &left)) != NULL) {
    rw_request *r = NULL;
    CURLcode code = msg->data.result;    /* gone once the handle is removed */
    if (msg->msg != CURLMSG_DONE) continue;
    (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&r);
    lane *l = &e->lanes[r->lane];
    if (rw_transfer_again(r, code)) {
      (void)curl_multi_remove_handle(e->multi, r->easy);
      if (curl_multi_add_handle(e->multi, r->easy) == CURLM_OK) continue;
    }
    leave(e, r);
    rw_transfer_end(r, code);
    conclude(e, r);                      /* from here on it may be the caller's */
    pump(e, l);
  }
}


/* What came back from the disk goes on. */
static void returned (rw_engine *e, rw_request *r) {
  lane *l = r->op == RW_HTTP ? &e->lanes[r->lane] : NULL;
  rw_count(&e->stats, on_disk, -1);
  if (atomic_load(&r->stop) && r->state == RW_PREPARING)
    rw_fail(&r->error, RW_CANCELLED, "cancelled", "cancelled");
  if (l && r->state == RW_PREPARING) {
    if (r->error.kind == RW_OK) {
      line_up(e, l, r);
      return;
    }
    unstage(e, r);
    conclude(e, r);
  } else {
    finish(e, r);
  }
}


static void enter (rw_engine *e, rw_request *r) {
  lane *l;
  r->stats = &e->stats;
  r->trace = e->trace;
  if (r->op != RW_HTTP) {                /* takes no one's place in a line */
    to_disk(e, r, RW_BEFORE);
    return;
  }
  if (!rw_transfer_check(r)) {
    finish(e, r);
    return;
  }
  l = lane_of(e, r->lane);
  if (!l) {
    rw_fail(&r->error, RW_LIMIT, "memory", "no memory for a transfer");
    finish(e, r);
    return;
  }
  l->limit = r->lane_limit ? r->lane_limit : 1;
  if (rw_stage_needed_before(r)) {
    r->state = RW_IN_LINE;
    rw_queue_push(&l->unprepared, r);
    prepare(e, l);
  } else {
    line_up(e, l, r);
  }
}

/* }================================================================= */


/*
** {=================================================================
** The thread: cancels, and the loop
** ==================================================================
*/

/* Takes it from wherever it is. What is on the disk comes back when it may. */
static void cancel (rw_engine *e, rw_request *r) {
  lane *l = r->state == RW_ENTERING || r->op != RW_HTTP ? NULL : &e->lanes[r->lane];
  bool was_running = r->state == RW_RUNNING;
  atomic_store(&r->stop, true);
  switch (r->state) {
    case RW_IN_LINE:
      rw_queue_remove(&l->unprepared, r);
      break;
    case RW_PREPARING:
      if (!rw_disk_take_back(e->disk, r, RW_BEFORE)) return;
      rw_count(&e->stats, on_disk, -1);
      if (l) unstage(e, r);
      break;
    case RW_PREPARED:
      rw_queue_remove(&l->line, r);
      rw_count(&e->stats, waiting, -1);
      unstage(e, r);
      break;
    case RW_RUNNING:
      leave(e, r);
      rw_transfer_drop(r);
      break;
    case RW_FINISHING: return;           /* done, but for its file: whole or not */
    default: break;
  }
  conclude_cancelled(e, r);
  if (was_running) pump(e, l);
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
static bool receive (rw_engine *e) {
  rw_queue in = {0}, back = {0};
  rw_request *r;
  bool go_on;
  /* first: what was cancelled may hold what a new request wants */
  while ((r = next_cancel(e)) != NULL) cancel(e, r);
  pthread_mutex_lock(&e->lock);
  rw_queue_move(&in, &e->inbox);
  rw_queue_move(&back, &e->back);
  for (r = in.first; r; r = r->next) r->state = RW_IN_LINE;
  go_on = !e->closing;
  pthread_mutex_unlock(&e->lock);
  while ((r = rw_queue_pop(&back)) != NULL) returned(e, r);
  while ((r = rw_queue_pop(&in)) != NULL) enter(e, r);
  return go_on;
}


/* Called on a thread of the disk's. */
static void come_back (void *data, rw_request *r) {
  rw_engine *e = data;
  pthread_mutex_lock(&e->lock);
  rw_queue_push(&e->back, r);
  if (e->multi) (void)curl_multi_wakeup(e->multi);
  pthread_mutex_unlock(&e->lock);
}


static void free_engine (rw_engine *e) {
  rw_queue_free(&e->inbox);
  rw_queue_free(&e->done);
  rw_wake_close(&e->wake);
  if (e->disk) rw_disk_free(e->disk);
  pthread_cond_destroy(&e->over_changed);
  pthread_mutex_destroy(&e->lock);
  free(e);
}


/* What is left when the loop has ended. Files are taken away on the disk. */
static void drop_all (rw_engine *e) {
  rw_request *r;
  rw_queue dropped = {0};
  CURLM *multi;
  while ((r = rw_queue_pop(&e->active)) != NULL) {
    (void)curl_multi_remove_handle(e->multi, r->easy);
    rw_transfer_drop(r);
    rw_queue_push(&dropped, r);
  }
  for (unsigned i = 0; i < e->nlanes; i++) {
    rw_queue_move(&dropped, &e->lanes[i].line);
    rw_queue_free(&e->lanes[i].unprepared);
  }
  free(e->lanes);
  e->lanes = NULL;
  pthread_mutex_lock(&e->lock);
  multi = e->multi;
  e->multi = NULL;
  pthread_mutex_unlock(&e->lock);
  (void)curl_multi_cleanup(multi);
  rw_tls_thread_end();
  rw_farewell_leave(&e->farewell);
  while ((r = rw_queue_pop(&dropped)) != NULL) {
    atomic_store(&r->stop, true);
    rw_disk_give(e->disk, r, RW_AFTER);
  }
  rw_disk_free(e->disk);                 /* waits for what is under way there */
  e->disk = NULL;
  rw_queue_free(&e->back);
}


static void *engine_main (void *arg) {
  rw_engine *e = arg;
  bool orphan;
  while (receive(e)) {
    int running;
    (void)curl_multi_perform(e->multi, &running);
    reap(e);
    /* libcurl shortens this wait to its own next timer */
    (void)curl_multi_poll(e->multi, NULL, 0, 60 * 1000, NULL);
  }
  drop_all(e);
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

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void init_curl (void) {
  curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}


/*
** HTTP/2 where it is offered, but one request at a time on a connection: side
** by side on one, about one transfer in a thousand stalls just before its end
** (measured with 7.88.1), and later versions have had such faults of their own.
*/
static CURLM *new_multi (void) {
  CURLM *multi = curl_multi_init();
  if (multi)
    (void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
  return multi;
}


static void ask_to_end (void *data) {
  rw_engine *e = data;
  pthread_mutex_lock(&e->lock);
  e->closing = true;
  if (e->multi) (void)curl_multi_wakeup(e->multi);
  pthread_mutex_unlock(&e->lock);
}


/* NULL, or why it cannot. */
static const char *start (rw_engine *e) {
  if (!rw_wake_open(&e->wake)) return "no file descriptors left for the engine";
  e->multi = new_multi();
  /* without its wake-up sockets the thread would be deaf; libcurl says so late */
  if (!e->multi || curl_multi_wakeup(e->multi) != CURLM_OK)
    return "no file descriptors or memory left for libcurl";
  e->disk = rw_disk_new(rw_stage_before, rw_stage_after, come_back, e);
  if (!e->disk) return "no memory for the engine";
  e->farewell = (rw_farewell){.stop = ask_to_end, .data = e};
  rw_farewell_enter(&e->farewell);
  if (rw_thread_start(&e->thread, "runway", engine_main, e)) return NULL;
  rw_farewell_leave(&e->farewell);
  return "the engine's thread cannot be started";
}


rw_engine *rw_engine_new (bool trace, const char **why) {
  rw_engine *e;
  pthread_once(&curl_once, init_curl);
  *why = "libcurl cannot be initialised";
  if (curl_ready != CURLE_OK) return NULL;
  *why = "no memory for the engine";
  e = calloc(1, sizeof *e);
  if (!e) return NULL;
  e->owner = getpid();
  e->trace = trace;
  pthread_mutex_init(&e->lock, NULL);
  rw_condition_init(&e->over_changed);
  *why = start(e);
  if (!*why) return e;
  if (e->multi) (void)curl_multi_cleanup(e->multi);
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
  rw_queue_push(&e->inbox, r);
  if (e->multi) (void)curl_multi_wakeup(e->multi);
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
  if (e->multi) (void)curl_multi_wakeup(e->multi);
  pthread_mutex_unlock(&e->lock);
}


rw_request *rw_engine_take (rw_engine *e) {
  rw_request *r, **at;
  pthread_mutex_lock(&e->lock);
  r = rw_queue_pop(&e->done);
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


static bool has_done (rw_engine *e) {
  bool any;
  pthread_mutex_lock(&e->lock);
  any = e->done.first != NULL;
  pthread_mutex_unlock(&e->lock);
  return any;
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
  bool over;
  int err = 0;
  if (!rw_engine_usable(e)) return;      /* a fork's copy: not ours to touch */
  thread = e->thread;
  rw_deadline_in(&limit, CLOSE_MS);
  ask_to_end(e);
  pthread_mutex_lock(&e->lock);
  while (!e->over && err == 0)
    err = pthread_cond_timedwait(&e->over_changed, &e->lock, &limit);
  over = e->over;
  e->orphan = !over;
  pthread_mutex_unlock(&e->lock);
  if (over) {
    pthread_join(thread, NULL);
    free_engine(e);
  } else {
    pthread_detach(thread);
  }
}

/* }================================================================= */
