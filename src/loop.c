/*
** loop.c: the engine's thread: each request's way through it.
**
**   inbox -> [disk] -> its lane's line -> libcurl -> [disk] -> done
** The inbox, the cancel list, what comes back from the disk and the done list
** are shared and guarded by the mutex; lines, transfers and the multi handle are
** the thread's alone. A lane lets a bounded number of its requests run at once,
** so that libcurl never holds a queue of its own (its own costs nine times the
** CPU). Nothing here waits for a disk.
*/
#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "loop.h"
#include "stage.h"
#include "tls.h"
#include "transfer.h"

#define RW_NEVER 1e300
#define LONGEST_NAP 60         /* seconds; anything that happens ends it sooner */
#define STAGED 8               /* of one lane's requests: prepared on the disk, or
                                  being so, and not running yet. What is encoded
                                  is memory */


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


static rw_lane *lane_of (rw_engine *e, unsigned number) {
  if (number >= e->nlanes) {
    unsigned n = number + 16;
    rw_lane *lanes = realloc(e->lanes, n * sizeof *lanes);
    if (!lanes) return NULL;
    for (unsigned i = e->nlanes; i < n; i++) lanes[i] = (rw_lane){.limit = 1};
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
static void prepare (rw_engine *e, rw_lane *l) {
  while (l->staged < STAGED && l->unprepared.first) {
    rw_request *r = rw_queue_pop(&l->unprepared);
    r->staged = true;
    l->staged++;
    to_disk(e, r, RW_BEFORE);
  }
}


static void unstage (rw_engine *e, rw_request *r) {
  rw_lane *l = &e->lanes[r->lane];
  if (!r->staged) return;
  r->staged = false;
  l->staged--;
  prepare(e, l);
}


/* From now on it has its whole time (again). */
static void set_deadline (rw_engine *e, rw_request *r) {
  if (r->timeout_ms <= 0) return;
  r->deadline = rw_now() + (double)r->timeout_ms / 1000;
  if (r->deadline < e->next_deadline) e->next_deadline = r->deadline;
}


/* Gives a request to libcurl; one that cannot begin is finished at once. */
static void begin (rw_engine *e, rw_lane *l, rw_request *r) {
  unstage(e, r);
  rw_count(&e->stats, waiting, -1);
  if (rw_transfer_begin(r)) {
    if (curl_multi_add_handle(e->multi, r->easy) == CURLM_OK) {
      r->state = RW_RUNNING;
      l->active++;
      rw_count(&e->stats, running, 1);
      rw_queue_push(&e->active, r);
      set_deadline(e, r);
      return;
    }
    rw_fail(&r->error, RW_LIMIT, "memory", "no memory for a transfer");
    rw_transfer_drop(r);
  }
  conclude(e, r);
}


static void pump (rw_engine *e, rw_lane *l) {
  while (l->active < l->limit && l->line.first) begin(e, l, rw_queue_pop(&l->line));
}


/* It has all it needs: into the line of its lane. */
static void line_up (rw_engine *e, rw_lane *l, rw_request *r) {
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


/* Takes a request out of libcurl for good. */
static void conclude_transfer (rw_engine *e, rw_request *r, CURLcode code) {
  rw_lane *l = &e->lanes[r->lane];
  leave(e, r);
  rw_transfer_end(r, code);
  conclude(e, r);                        /* from here on it may be the caller's */
  pump(e, l);
}


static void reap (rw_engine *e) {
  CURLMsg *msg;
  int left;
  while ((msg = curl_multi_info_read(e->multi, &left)) != NULL) {
    rw_request *r = NULL;
    CURLcode code = msg->data.result;    /* gone once the handle is removed */
    if (msg->msg != CURLMSG_DONE) continue;
    (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&r);
    if (rw_transfer_again(r, code)) {
      (void)curl_multi_remove_handle(e->multi, r->easy);
      if (curl_multi_add_handle(e->multi, r->easy) == CURLM_OK) continue;
    }
    conclude_transfer(e, r, code);
  }
}


/*
** Ends what had its time. Our own clock and not libcurl's, which looks at the
** time before it looks at the socket: when a process that was stopped, or a
** machine that slept, goes on, the answer that has come is read first. A body
** that is still on its way out, and moves, is given its time again.
*/
static void expire (rw_engine *e) {
  double now = rw_now(), next = RW_NEVER;
  rw_request *r, *after;
  if (now < e->next_deadline) return;
  for (r = e->active.first; r; r = after) {
    after = r->next;
    if (r->timeout_ms <= 0) continue;
    if (now >= r->deadline && rw_transfer_moved_on(r)) set_deadline(e, r);
    if (r->deadline < next && now < r->deadline) next = r->deadline;
  }
  e->next_deadline = next;
  for (r = e->active.first; r; r = after) {
    after = r->next;
    if (r->timeout_ms > 0 && now >= r->deadline) {
      conclude_transfer(e, r, CURLE_OPERATION_TIMEDOUT);
      after = e->active.first;           /* the list may have changed */
    }
  }
}


/* What came back from the disk goes on. */
static void returned (rw_engine *e, rw_request *r) {
  rw_lane *l = r->op == RW_HTTP ? &e->lanes[r->lane] : NULL;
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
  rw_lane *l;
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
  rw_lane *l = r->state == RW_ENTERING || r->op != RW_HTTP ? NULL : &e->lanes[r->lane];
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


void rw_loop_come_back (void *data, rw_request *r) {
  rw_engine *e = data;
  pthread_mutex_lock(&e->lock);
  rw_queue_push(&e->back, r);
  if (e->multi) (void)curl_multi_wakeup(e->multi);
  pthread_mutex_unlock(&e->lock);
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


/* Milliseconds that the thread may sleep; libcurl shortens it to its own. */
static int nap (rw_engine *e) {
  double seconds = e->next_deadline - rw_now();
  return seconds >= LONGEST_NAP ? LONGEST_NAP * 1000
                                : seconds <= 0 ? 0 : (int)ceil(seconds * 1000);
}


void rw_loop_run (rw_engine *e) {
  e->next_deadline = RW_NEVER;
  while (receive(e)) {
    int running;
    (void)curl_multi_perform(e->multi, &running);
    reap(e);
    expire(e);
    (void)curl_multi_poll(e->multi, NULL, 0, nap(e), NULL);
  }
  drop_all(e);
}

/* }================================================================= */
