/*
** engine.c: an engine as its caller sees it: opened, given requests, asked for
** results, closed. What its thread does with them is in loop.c.
*/
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "engine.h"
#include "loop.h"
#include "stage.h"
#include "thread.h"

#define CLOSE_MS 100           /* how long a close may hold its caller */
#define MOST_CONNECTIONS 128   /* beyond, the oldest idle one is closed; and no more
                                  than a quarter of the descriptors. libcurl would
                                  keep four times as many as there are transfers */


static void free_engine (rw_engine *e) {
  rw_queue_free(&e->inbox);
  rw_queue_free(&e->done);
  rw_wake_close(&e->wake);
  if (e->disk) rw_disk_free(e->disk);
  pthread_cond_destroy(&e->over_changed);
  pthread_mutex_destroy(&e->lock);
  free(e);
}


static void *engine_main (void *arg) {
  rw_engine *e = arg;
  bool orphan;
  rw_loop_run(e);
  pthread_mutex_lock(&e->lock);
  e->over = true;
  orphan = e->orphan;
  pthread_cond_signal(&e->over_changed);
  pthread_mutex_unlock(&e->lock);
  if (orphan) free_engine(e);
  return NULL;
}


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
  struct rlimit files;
  long most = MOST_CONNECTIONS;
  if (!multi) return NULL;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 4 < (rlim_t)most)
    most = (long)files.rlim_cur / 4;
  (void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
  (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, most > 0 ? most : 1L);
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
  e->disk = rw_disk_new(rw_stage_before, rw_stage_after, rw_loop_come_back, e);
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
