/*
** engine.c: the I/O thread. Requests in, libcurl's multi interface, results
** out.
**
** The path of a request:
**   inbox -> its lane's line -> libcurl -> done -> rw_engine_take
** The inbox, the cancel list and the done list are shared and guarded by the
** mutex; lines, transfers and the multi handle are the thread's alone. A lane
** lets a bounded number of its requests run at once, so that libcurl never
** holds a queue of its own (its own costs nine times the CPU).
*/
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "media.h"
#include "transfer.h"

#define CLOSE_MS 100           /* how long a close may hold its caller */

typedef struct queue {
  rw_request *first, *last;
} queue;

typedef struct lane {
  queue line;
  unsigned active, limit;
} lane;

struct rw_engine {
  /* shared, under the lock */
  pthread_mutex_t lock;
  pthread_cond_t over_changed;
  queue inbox, done;
  rw_request *cancels;
  bool closing, over;
  bool orphan;                 /* the caller left; the thread frees the engine */

  /* set once */
  pid_t owner;
  int pipe[2];
  CURLM *multi;
  pthread_t thread;

  /* the caller's */
  size_t pending;

  /* the thread's */
  lane *lanes;
  unsigned nlanes;
  queue active;
};


double rw_now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}


/*
** {=================================================================
** Lists of requests
** ==================================================================
*/

static void push (queue *q, rw_request *r) {
  r->next = NULL;
  r->prev = q->last;
  if (q->last) q->last->next = r; else q->first = r;
  q->last = r;
}


static void unlink_request (queue *q, rw_request *r) {
  if (r->prev) r->prev->next = r->next; else q->first = r->next;
  if (r->next) r->next->prev = r->prev; else q->last = r->prev;
  r->prev = r->next = NULL;
}


static rw_request *pop (queue *q) {
  rw_request *r = q->first;
  if (r) unlink_request(q, r);
  return r;
}


static void free_all (queue *q) {
  rw_request *r;
  while ((r = pop(q)) != NULL) rw_request_free(r);
}

/* }================================================================= */


/*
** {=================================================================
** The thread
** ==================================================================
*/

static void signal_fd (int fd) {
  ssize_t n;
  do n = write(fd, "", 1);
  while (n < 0 && errno == EINTR);       /* a full pipe is signal enough */
}


static void finish (rw_engine *e, rw_request *r) {
  bool first;
  pthread_mutex_lock(&e->lock);
  first = e->done.first == NULL;
  r->state = RW_DONE;
  push(&e->done, r);
  pthread_mutex_unlock(&e->lock);
  if (first) signal_fd(e->pipe[1]);
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


/* Gives a request to libcurl; one that cannot begin is finished at once. */
static void begin (rw_engine *e, lane *l, rw_request *r) {
  if (rw_transfer_begin(r)) {
    if (curl_multi_add_handle(e->multi, r->easy) == CURLM_OK) {
      r->state = RW_ACTIVE;
      l->active++;
      push(&e->active, r);
      return;
    }
    rw_fail(&r->error, RW_LIMIT, "memory", "no memory for a transfer");
    rw_transfer_drop(r);
  }
  finish(e, r);
}


static void pump (rw_engine *e, lane *l) {
  while (l->active < l->limit && l->line.first) begin(e, l, pop(&l->line));
}


/* Takes a request out of libcurl; its lane's next one may run. */
static void leave (rw_engine *e, rw_request *r) {
  (void)curl_multi_remove_handle(e->multi, r->easy);
  unlink_request(&e->active, r);
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
    finish(e, r);                        /* from here on it is the caller's */
    pump(e, l);
  }
}


static void cancel (rw_engine *e, rw_request *r) {
  lane *l = r->state == RW_NEW ? NULL : &e->lanes[r->lane];
  if (r->state == RW_ACTIVE) leave(e, r);
  else if (r->state == RW_WAITING) unlink_request(&l->line, r);
  rw_transfer_drop(r);
  rw_fail(&r->error, RW_CANCELLED, "cancelled", "cancelled");
  finish(e, r);
  if (l) pump(e, l);
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
  } while (r->state == RW_DONE);         /* needs no cancelling */
  if (r && r->state == RW_NEW) unlink_request(&e->inbox, r);
  pthread_mutex_unlock(&e->lock);
  return r;
}


static void enter (rw_engine *e, rw_request *r) {
  lane *l;
  if (r->op == RW_PROBE) {               /* takes no one's place in a line */
    rw_media_probe(r);
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
  push(&l->line, r);
  pump(e, l);
}


/* Takes in what the caller left; false when he asked us to end. */
static bool receive (rw_engine *e) {
  queue in;
  rw_request *r;
  bool go_on;
  /* first: what was cancelled may hold what a new request wants */
  while ((r = next_cancel(e)) != NULL) cancel(e, r);
  pthread_mutex_lock(&e->lock);
  in = e->inbox;
  e->inbox.first = e->inbox.last = NULL;
  for (r = in.first; r; r = r->next) r->state = RW_WAITING;
  go_on = !e->closing;
  pthread_mutex_unlock(&e->lock);
  while ((r = pop(&in)) != NULL) enter(e, r);
  return go_on;
}


static void free_engine (rw_engine *e) {
  free_all(&e->inbox);
  free_all(&e->done);
  close(e->pipe[0]);
  close(e->pipe[1]);
  pthread_cond_destroy(&e->over_changed);
  pthread_mutex_destroy(&e->lock);
  free(e);
}


static void *engine_main (void *arg) {
  rw_engine *e = arg;
  rw_request *r;
  bool orphan;
  while (receive(e)) {
    int running;
    (void)curl_multi_perform(e->multi, &running);
    reap(e);
    /* libcurl shortens this wait to its own next timer */
    (void)curl_multi_poll(e->multi, NULL, 0, 60 * 1000, NULL);
  }
  while ((r = pop(&e->active)) != NULL) {
    (void)curl_multi_remove_handle(e->multi, r->easy);
    rw_request_free(r);
  }
  for (unsigned i = 0; i < e->nlanes; i++) free_all(&e->lanes[i].line);
  free(e->lanes);
  (void)curl_multi_cleanup(e->multi);
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


static bool open_pipe (int fd[2]) {
#ifdef __linux__
  return pipe2(fd, O_CLOEXEC | O_NONBLOCK) == 0;
#else
  if (pipe(fd) != 0) return false;
  for (int i = 0; i < 2; i++) {
    (void)fcntl(fd[i], F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd[i], F_SETFL, O_NONBLOCK);
  }
  return true;
#endif
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


static int start_thread (rw_engine *e) {
  sigset_t all, before;
  int err;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  err = pthread_create(&e->thread, NULL, engine_main, e);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return err;
}


static void init_condition (pthread_cond_t *c) {
#ifdef __APPLE__
  pthread_cond_init(c, NULL);
#else
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(c, &attr);
  pthread_condattr_destroy(&attr);
#endif
}


rw_engine *rw_engine_new (const char **why) {
  rw_engine *e;
  pthread_once(&curl_once, init_curl);
  *why = "libcurl cannot be initialised";
  if (curl_ready != CURLE_OK) return NULL;
  *why = "no memory for the engine";
  e = calloc(1, sizeof *e);
  if (!e) return NULL;
  e->owner = getpid();
  pthread_mutex_init(&e->lock, NULL);
  init_condition(&e->over_changed);
  *why = "no file descriptors left for the engine";
  if (!open_pipe(e->pipe)) {
    free(e);
    return NULL;
  }
  *why = "no file descriptors or memory left for libcurl";
  e->multi = new_multi();
  /* without its wake-up sockets the thread would be deaf; libcurl says so late */
  if (e->multi && curl_multi_wakeup(e->multi) == CURLM_OK) {
    *why = "the engine's thread cannot be started";
    if (start_thread(e) == 0) return e;
  }
  if (e->multi) (void)curl_multi_cleanup(e->multi);
  free_engine(e);
  return NULL;
}


bool rw_engine_usable (const rw_engine *e) {
  return e->owner == getpid();
}


void rw_engine_start (rw_engine *e, rw_request *r) {
  e->pending++;
  pthread_mutex_lock(&e->lock);
  push(&e->inbox, r);
  pthread_mutex_unlock(&e->lock);
  (void)curl_multi_wakeup(e->multi);
}


void rw_engine_cancel (rw_engine *e, rw_request *r) {
  pthread_mutex_lock(&e->lock);
  if (!r->cancelling) {                  /* the thread skips a finished one */
    r->cancelling = true;
    r->next_cancel = e->cancels;
    e->cancels = r;
  }
  pthread_mutex_unlock(&e->lock);
  (void)curl_multi_wakeup(e->multi);
}


rw_request *rw_engine_take (rw_engine *e) {
  rw_request *r, **at;
  pthread_mutex_lock(&e->lock);
  r = pop(&e->done);
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


static bool has_done (rw_engine *e) {
  bool any;
  pthread_mutex_lock(&e->lock);
  any = e->done.first != NULL;
  pthread_mutex_unlock(&e->lock);
  return any;
}


/* Seconds for poll: rounded up, so that a timer is due when it returns. */
static int milliseconds (double seconds) {
  double ms = ceil(seconds * 1000);
  if (seconds < 0) return -1;
  return ms > 86400e3 ? 86400000 : (int)ms;
}


bool rw_pause (double seconds) {
  (void)poll(NULL, 0, milliseconds(seconds));
  return false;
}


bool rw_engine_wait (rw_engine *e, double seconds) {
  struct pollfd fd = {.fd = e->pipe[0], .events = POLLIN};
  char scrap[256];
  if (has_done(e)) seconds = 0;
  if (poll(&fd, 1, milliseconds(seconds)) > 0)
    while (read(e->pipe[0], scrap, sizeof scrap) == (ssize_t)sizeof scrap) {}
  return fd.revents != 0 || has_done(e);
}


int rw_engine_fd (const rw_engine *e) {
  return e->pipe[0];
}


int rw_engine_notify_fd (const rw_engine *e) {
  return e->pipe[1];
}


static void deadline_in (struct timespec *t, long ms) {
#ifdef __APPLE__
  clock_gettime(CLOCK_REALTIME, t);
#else
  clock_gettime(CLOCK_MONOTONIC, t);
#endif
  t->tv_sec += ms / 1000;
  t->tv_nsec += ms % 1000 * 1000000;
  if (t->tv_nsec >= 1000000000) {
    t->tv_sec++;
    t->tv_nsec -= 1000000000;
  }
}


void rw_engine_close (rw_engine *e) {
  struct timespec limit;
  pthread_t thread;
  bool over;
  int err = 0;
  if (!rw_engine_usable(e)) return;      /* a fork's copy: not ours to touch */
  thread = e->thread;
  deadline_in(&limit, CLOSE_MS);
  pthread_mutex_lock(&e->lock);
  e->closing = true;
  (void)curl_multi_wakeup(e->multi);     /* under the lock: the multi is alive */
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
