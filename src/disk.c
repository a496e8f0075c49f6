/*
** disk.c: what may wait for a disk, done beside the thread that must not.
*/
#include "system.h"

#include <pthread.h>
#include <stdlib.h>

#include "disk.h"
#include "queue.h"
#include "thread.h"

#define DISK_THREADS 4         /* for each errand */

typedef struct disk_crew {
  rw_disk *disk;
  rw_errand errand;
  rw_disk_work work;
  rw_queue line, begun;
  bool closing;
  pthread_cond_t more;
  pthread_t threads[DISK_THREADS];
  unsigned started, idle, lined;
} disk_crew;

struct rw_disk {
  pthread_mutex_t lock;        /* over all that follows */
  disk_crew crews[RW_ERRANDS];

  /* set once */
  rw_disk_back back;
  void *owner;
};


static void *disk_main (void *data) {
  disk_crew *c = data;
  rw_disk *d = c->disk;
  rw_request *r;
  pthread_mutex_lock(&d->lock);
  for (;;) {
    bool spared;
    while (!(r = rw_queue_pop(&c->line)) && !c->closing) {
      c->idle++;
      pthread_cond_wait(&c->more, &d->lock);
      c->idle--;
    }
    if (!r) break;
    c->lined--;
    r->on_disk = true;
    spared = c->closing && c->errand <= RW_ATTEND;
    rw_queue_push(&c->begun, r);
    pthread_mutex_unlock(&d->lock);
    if (!spared) c->work(r);
    pthread_mutex_lock(&d->lock);
    rw_queue_remove(&c->begun, r);
    pthread_mutex_unlock(&d->lock);
    d->back(d->owner, r);
    pthread_mutex_lock(&d->lock);
  }
  pthread_mutex_unlock(&d->lock);
  return NULL;
}


rw_disk *rw_disk_new (const rw_disk_work work[RW_ERRANDS], rw_disk_back back,
                      void *owner) {
  rw_disk *d = calloc(1, sizeof *d);
  if (!d) return NULL;
  d->back = back;
  d->owner = owner;
  pthread_mutex_init(&d->lock, NULL);
  for (int i = 0; i < RW_ERRANDS; i++) {
    disk_crew *c = &d->crews[i];
    c->disk = d;
    c->errand = (rw_errand)i;
    c->work = work[i];
    rw_condition_init(&c->more);
  }
  return d;
}


/* Is there a thread that will come to it? Starts one when all have work. */
static bool disk_has_hands (disk_crew *c) {
  if (c->idle >= c->lined) {
    pthread_cond_signal(&c->more);
  } else if (c->started < DISK_THREADS &&
             rw_thread_start(&c->threads[c->started], "runway-disk", disk_main, c)) {
    c->started++;
  }
  return c->started > 0;
}


void rw_disk_give (rw_disk *d, rw_request *r, rw_errand errand) {
  disk_crew *c = &d->crews[errand];
  bool taken;
  pthread_mutex_lock(&d->lock);
  r->on_disk = false;
  rw_queue_push(&c->line, r);
  c->lined++;
  taken = disk_has_hands(c);
  if (!taken) {
    rw_queue_remove(&c->line, r);
    c->lined--;
    r->on_disk = true;                   /* on its way back: not to be taken */
  }
  pthread_mutex_unlock(&d->lock);
  if (taken) return;
  if (errand != RW_RELEASE) {
    rw_fail(&r->error, RW_LIMIT, "threads", "no thread can be started for the disk");
    r->error.permanent = false;
  }
  d->back(d->owner, r);
}


bool rw_disk_take_back (rw_disk *d, rw_request *r, rw_errand errand) {
  bool waits;
  pthread_mutex_lock(&d->lock);
  waits = !r->on_disk;
  if (waits) {
    rw_queue_remove(&d->crews[errand].line, r);
    d->crews[errand].lined--;
  }
  pthread_mutex_unlock(&d->lock);
  return waits;
}


/* Lets those threads end that find no more to do. */
static void crew_close (disk_crew *c, bool stop) {
  pthread_mutex_lock(&c->disk->lock);
  c->closing = true;
  for (rw_request *r = stop ? c->begun.first : NULL; r; r = r->next) atomic_store(&r->stop, true);
  pthread_cond_broadcast(&c->more);
  pthread_mutex_unlock(&c->disk->lock);
}


static void crew_join (disk_crew *c) {
  for (unsigned t = 0; t < c->started; t++) pthread_join(c->threads[t], NULL);
  c->started = 0;
}


void rw_disk_end (rw_disk *d, rw_errand errand) {
  crew_close(&d->crews[errand], true);
  crew_join(&d->crews[errand]);
}


void rw_disk_free (rw_disk *d) {
  for (int i = 0; i < RW_ERRANDS; i++) crew_close(&d->crews[i], false);
  for (int i = 0; i < RW_ERRANDS; i++) {
    crew_join(&d->crews[i]);
    pthread_cond_destroy(&d->crews[i].more);
  }
  pthread_mutex_destroy(&d->lock);
  free(d);
}
