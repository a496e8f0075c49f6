/*
** network.c: each request's way through lanes, disk and libcurl.
**
** A lane lets a bounded number of its requests run at once, so that libcurl
** never holds a queue of its own (its own costs nine times the CPU). Nothing
** here waits for a disk.
*/
#include "system.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "clock.h"
#include "network.h"
#include "program.h"
#include "stage.h"
#include "tls.h"
#include "transfer.h"

#define NEVER 1e300
#define NUDGE 2                /* seconds without an answer to a paid request, after
                                  which idle connections to its server are shut */
#define LONGEST_NAP 60         /* seconds; anything that happens ends it sooner */

#define MOST_CONNECTIONS 128   /* beyond, the oldest idle one is closed; and no more
                                  than a quarter of the descriptors. libcurl would
                                  keep four times as many as there are transfers */

#define STAGED 8               /* of one lane's requests: prepared on the disk, or
                                  being so, and not running yet. What is encoded
                                  is memory */

struct rw_lane {
  rw_queue unprepared, line;
  unsigned staged, active, limit;
};


/*
** {=================================================================
** To the disk, and to the caller
** ==================================================================
*/

/* Hands it to the caller. */
static void network_finish (rw_network *n, rw_request *r) {
  rw_count(n->stats, finished, 1);
  if (r->error.kind != RW_OK) rw_count(n->stats, failed, 1);
  if (r->error.kind == RW_CANCELLED) rw_count(n->stats, cancelled, 1);
  n->finished(n->owner, r);
}


static void to_disk (rw_network *n, rw_request *r, rw_errand errand) {
  r->state = errand <= RW_ATTEND ? RW_PREPARING
                                 : errand == RW_COMMIT ? RW_COMMITTING : RW_RELEASING;
  rw_count(n->stats, on_disk, 1);
  rw_disk_give(n->disk, r, errand);
}


/* The first thing that is done for it there. */
static rw_errand first_errand (const rw_request *r) {
  return r->op == RW_PROGRAM ? RW_ATTEND : RW_PREPARE;
}


/* The network has done with it; what it holds open goes back over the disk. */
static void conclude (rw_network *n, rw_request *r) {
  if (rw_stage_to_commit(r)) to_disk(n, r, RW_COMMIT);
  else if (rw_stage_to_release(r)) to_disk(n, r, RW_RELEASE);
  else network_finish(n, r);
}


static void conclude_cancelled (rw_network *n, rw_request *r) {
  rw_fail(&r->error, RW_CANCELLED, "cancelled", "cancelled");
  conclude(n, r);
}


static void conclude_without_memory (rw_network *n, rw_request *r) {
  rw_fail(&r->error, RW_LIMIT, "memory", "no memory for a transfer");
  conclude(n, r);
}

/* }================================================================= */


/*
** {=================================================================
** Lanes
** ==================================================================
*/

/* The lane of a request that has entered it. */
static rw_lane *lane_of (rw_network *n, const rw_request *r) {
  return &n->lanes[r->lane];
}


/* The same, made when it is new; NULL without memory. */
static rw_lane *lane_for (rw_network *n, const rw_request *r) {
  if (r->lane >= n->nlanes) {
    unsigned count = r->lane + 16;
    rw_lane *lanes = realloc(n->lanes, count * sizeof *lanes);
    if (!lanes) return NULL;
    for (unsigned i = n->nlanes; i < count; i++) lanes[i] = (rw_lane){.limit = 1};
    n->lanes = lanes;
    n->nlanes = count;
  }
  return lane_of(n, r);
}


/* Lets those of a lane that need the disk go there, a few at a time. */
static void lane_prepare (rw_network *n, rw_lane *l) {
  while (l->staged < STAGED && l->unprepared.first) {
    rw_request *r = rw_queue_pop(&l->unprepared);
    r->staged = true;
    l->staged++;
    to_disk(n, r, RW_PREPARE);
  }
}


static void lane_unstage (rw_network *n, rw_request *r) {
  rw_lane *l = lane_of(n, r);
  if (!r->staged) return;
  r->staged = false;
  l->staged--;
  lane_prepare(n, l);
}


/* The network thread is to look at the time by then. */
static void look_by (rw_network *n, double time) {
  if (time < n->next_deadline) n->next_deadline = time;
}


/* From now on it has its whole time. */
static void set_deadline (rw_network *n, rw_request *r) {
  double now = rw_now();
  r->deadline = r->timeout_ms > 0 ? now + (double)r->timeout_ms / 1000 : NEVER;
  r->nudge_at = r->gate ? now + NUDGE : NEVER;
  look_by(n, r->deadline);
  look_by(n, r->nudge_at);
}


/* Gives a request to libcurl; one that cannot begin is finished at once. */
static void lane_begin (rw_network *n, rw_lane *l, rw_request *r) {
  lane_unstage(n, r);
  rw_count(n->stats, waiting, -1);
  if (!rw_transfer_begin(r)) {
    conclude(n, r);
  } else if (curl_multi_add_handle(n->multi, r->easy) != CURLM_OK) {
    rw_transfer_drop(r);
    conclude_without_memory(n, r);
  } else {
    r->state = RW_RUNNING;
    l->active++;
    rw_count(n->stats, running, 1);
    rw_queue_push(&n->active, r);
    set_deadline(n, r);
  }
}


static void lane_pump (rw_network *n, rw_lane *l) {
  while (l->active < l->limit && l->line.first)
    lane_begin(n, l, rw_queue_pop(&l->line));
}


/* It has all it needs: into the line. */
static void lane_push (rw_network *n, rw_lane *l, rw_request *r) {
  r->state = RW_PREPARED;
  rw_count(n->stats, waiting, 1);
  rw_queue_push(&l->line, r);
  lane_pump(n, l);
}


/* Takes a request out of libcurl; its lane's next one may run. */
static void lane_leave (rw_network *n, rw_request *r) {
  (void)curl_multi_remove_handle(n->multi, r->easy);
  rw_queue_remove(&n->active, r);
  rw_count(n->stats, running, -1);
  lane_of(n, r)->active--;
}

/* }================================================================= */


/*
** {=================================================================
** In, back, out early
** ==================================================================
*/

void rw_network_enter (rw_network *n, rw_request *r) {
  rw_lane *l;
  r->stats = n->stats;
  r->idle = &n->idle;
  r->handles = &n->handles;
  r->stirred = &n->stirred;
  r->ending = &n->ending;
  r->trace = n->trace;
  if (r->op != RW_HTTP) {                /* takes no one's place in a line */
    to_disk(n, r, first_errand(r));
    return;
  }
  if (!rw_transfer_check(r)) {
    conclude(n, r);
    return;
  }
  l = lane_for(n, r);
  if (!l) {
    conclude_without_memory(n, r);
    return;
  }
  l->limit = r->lane_limit ? r->lane_limit : 1;
  if (rw_stage_to_prepare(r)) {
    r->state = RW_IN_LINE;
    rw_queue_push(&l->unprepared, r);
    lane_prepare(n, l);
  } else {
    lane_push(n, l, r);
  }
}


void rw_network_return (rw_network *n, rw_request *r) {
  rw_count(n->stats, on_disk, -1);
  if (r->state != RW_PREPARING || r->op != RW_HTTP) {
    if (r->state == RW_PREPARING && atomic_load(&r->stop)) conclude_cancelled(n, r);
    else network_finish(n, r);
  } else if (r->error.kind == RW_OK && !atomic_load(&r->stop)) {
    lane_push(n, lane_of(n, r), r);
  } else {
    lane_unstage(n, r);
    conclude_cancelled(n, r);            /* or with the error that it has */
  }
}


void rw_network_cancel (rw_network *n, rw_request *r) {
  rw_lane *l;
  atomic_store(&r->stop, true);
  switch (r->state) {
    case RW_ENTERING: break;
    case RW_IN_LINE:
      rw_queue_remove(&lane_of(n, r)->unprepared, r);
      break;
    case RW_PREPARING:
      if (!rw_disk_take_back(n->disk, r, first_errand(r))) return;
      rw_count(n->stats, on_disk, -1);
      if (r->op == RW_HTTP) lane_unstage(n, r);
      break;
    case RW_PREPARED:
      rw_queue_remove(&lane_of(n, r)->line, r);
      rw_count(n->stats, waiting, -1);
      lane_unstage(n, r);
      break;
    case RW_RUNNING:
      l = lane_of(n, r);
      lane_leave(n, r);
      rw_transfer_drop(r);
      conclude_cancelled(n, r);
      lane_pump(n, l);
      return;
    case RW_COMMITTING:                  /* begun: whole or not, as it turns out */
      if (!rw_disk_take_back(n->disk, r, RW_COMMIT)) return;
      rw_count(n->stats, on_disk, -1);
      break;
    case RW_RELEASING: return;           /* over already */
  }
  conclude_cancelled(n, r);
}

/* }================================================================= */


/*
** {=================================================================
** The loop
** ==================================================================
*/

static void end_transfer (rw_network *n, rw_request *r, CURLcode code) {
  rw_lane *l = lane_of(n, r);
  rw_transfer_keep(r);
  lane_leave(n, r);
  rw_transfer_end(r, code);
  conclude(n, r);                        /* from here on it may be the caller's */
  lane_pump(n, l);
}


static void reap (rw_network *n) {
  CURLMsg *msg;
  int left;
  while ((msg = curl_multi_info_read(n->multi, &left)) != NULL) {
    rw_request *r = NULL;
    CURLcode code = msg->data.result;    /* gone once the handle is removed */
    if (msg->msg != CURLMSG_DONE) continue;
    (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&r);
    if (rw_transfer_again(r, code)) {
      (void)curl_multi_remove_handle(n->multi, r->easy);
      if (curl_multi_add_handle(n->multi, r->easy) == CURLM_OK) continue;
    }
    end_transfer(n, r, code);
  }
}


/*
** Ends what had its time. Our own clock and not libcurl's, which looks at the
** time before it looks at the socket: when a process that was stopped, or a
** machine that slept, goes on, the answer that has come is read first. A body
** that is still on its way out, and moves, is given its time again.
*/
static void expire (rw_network *n) {
  double now = rw_now();
  rw_request *r, *after;
  if (now < n->next_deadline) return;
  n->next_deadline = NEVER;
  for (r = n->active.first; r; r = r->next) {
    double again = r->moved_at + (double)r->timeout_ms / 1000;
    if (r->deadline < again && r->timeout_ms > 0) r->deadline = again;
    if (now < r->deadline) look_by(n, r->deadline);
    if (now < r->nudge_at) {
      look_by(n, r->nudge_at);
    } else if (r->status == 0 && r->bytes == 0) {
      rw_idle_shut(&n->idle, r->url);
      r->nudge_at = NEVER;
    }
  }
  for (r = n->active.first; r; r = after) {
    after = r->next;
    if (now < r->deadline) continue;
    end_transfer(n, r, CURLE_OPERATION_TIMEDOUT);
    after = n->active.first;             /* others may have begun, or ended */
  }
}


/* Milliseconds that the thread may sleep; libcurl shortens it to its own. */
static int nap (const rw_network *n) {
  double seconds = n->next_deadline - rw_now();
  if (seconds >= LONGEST_NAP) return LONGEST_NAP * 1000;
  return seconds <= 0 ? 0 : (int)ceil(seconds * 1000);
}


/*
** A turn in which something came is followed by another at once: libcurl may hold
** the end of an HTTP/2 answer in a buffer of its own, and neither go on with it nor
** ask to be called again (7.88.1: one answer in a hundred, when a server is quick).
*/
void rw_network_turn (rw_network *n) {
  int running, ready = 0;
  (void)curl_multi_perform(n->multi, &running);
  reap(n);
  expire(n);
  (void)curl_multi_poll(n->multi, NULL, 0, n->stirred ? 0 : nap(n), &ready);
  n->stirred = ready > 0;
}


void rw_network_wake (rw_network *n) {
  (void)curl_multi_wakeup(n->multi);
}


void rw_network_hurry (rw_network *n) {
  atomic_store(&n->ending, true);
  rw_network_wake(n);
}

/* }================================================================= */


/*
** {=================================================================
** Beginning and end
** ==================================================================
*/

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void init_curl (void) {
  curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}


static long most_connections (void) {
  struct rlimit files;
  long most = MOST_CONNECTIONS;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 4 < (rlim_t)most)
    most = (long)files.rlim_cur / 4;
  return most > 0 ? most : 1;
}


const char *rw_network_open (rw_network *n) {
  static const rw_disk_work work[RW_ERRANDS] = {
    [RW_PREPARE] = rw_stage_prepare, [RW_ATTEND] = rw_program_run,
    [RW_COMMIT] = rw_stage_commit, [RW_RELEASE] = rw_stage_release
  };
  n->next_deadline = NEVER;
  (void)pthread_once(&curl_once, init_curl);
  if (curl_ready != CURLE_OK) return "libcurl cannot be initialised";
  n->multi = curl_multi_init();
  /* without its wake-up sockets the thread would be deaf; libcurl says so late */
  if (!n->multi || curl_multi_wakeup(n->multi) != CURLM_OK)
    return "no file descriptors or memory left for libcurl";
  /*
  ** HTTP/2 where it is offered, but one request at a time on a connection: side
  ** by side on one, about one transfer in a thousand stalls just before its end
  ** (measured with 7.88.1), and later versions have had such faults of their own.
  */
  (void)curl_multi_setopt(n->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
  (void)curl_multi_setopt(n->multi, CURLMOPT_MAXCONNECTS, most_connections());
  n->disk = rw_disk_new(work, n->back, n->owner);
  return n->disk ? NULL : "no memory for the engine";
}


/* What a dropped request holds on the disk is let go there. */
static void drop_line (rw_network *n, rw_queue *line) {
  rw_request *r;
  while ((r = rw_queue_pop(line)) != NULL) {
    if (rw_stage_to_release(r)) to_disk(n, r, RW_RELEASE);
    else rw_request_free(r);
  }
}


void rw_network_stop (rw_network *n) {
  rw_queue dropped = {0};
  rw_request *r;
  rw_disk_end(n->disk, RW_ATTEND);       /* no program of ours outlives us */
  while ((r = rw_queue_pop(&n->active)) != NULL) {
    (void)curl_multi_remove_handle(n->multi, r->easy);
    rw_transfer_drop(r);
    rw_queue_push(&dropped, r);
  }
  drop_line(n, &dropped);
  for (unsigned i = 0; i < n->nlanes; i++) {
    drop_line(n, &n->lanes[i].line);
    rw_queue_free(&n->lanes[i].unprepared);
  }
}


void rw_network_leave (rw_network *n) {
  rw_handles_free(&n->handles);
  (void)curl_multi_cleanup(n->multi);
  n->multi = NULL;
  rw_tls_thread_end();
}


void rw_network_shut (rw_network *n) {
  if (n->multi) (void)curl_multi_cleanup(n->multi);
  if (n->disk) rw_disk_free(n->disk);    /* waits for what is under way there */
  n->multi = NULL;
  n->disk = NULL;
  free(n->lanes);
  n->lanes = NULL;
  n->nlanes = 0;
}

/* }================================================================= */
