/*
** disk.c: what may wait for a disk, done beside the thread that must not.
*/
#include <pthread.h>
#include <stdlib.h>

#include "disk.h"
#include "queue.h"
#include "thread.h"

#define DISK_THREADS 4         /* of each side */

typedef struct crew {
  rw_disk *disk;
  rw_disk_work work;
  rw_queue line;
  pthread_cond_t more;
  pthread_t threads[DISK_THREADS];
  unsigned started, idle, lined;
} crew;

struct rw_disk {
  pthread_mutex_t lock;        /* over all that follows */
  crew crews[2];               /* by rw_side */
  bool closing;

  /* set once */
  rw_disk_back back;
  void *owner;
};


static void *disk_main (void *data) {
  crew *c = data;
  rw_disk *d = c->disk;
  rw_request *r;
  pthread_mutex_lock(&d->lock);
  for (;;) {
    while (!(r = rw_queue_pop(&c->line)) && !d->closing) {
      c->idle++;
      pthread_cond_wait(&c->more, &d->lock);
      c->idle--;
    }
    if (!r) break;
    c->lined--;
    r->on_disk = true;
    pthread_mutex_unlock(&d->lock);
    c->work(r);
    d->back(d->owner, r);
    pthread_mutex_lock(&d->lock);
  }
  pthread_mutex_unlock(&d->lock);
  return NULL;
}


rw_disk *rw_disk_new (rw_disk_work before, rw_disk_work after,
                      rw_disk_back back, void *owner) {
  rw_disk *d = calloc(1, sizeof *d);
  if (!d) return NULL;
  d->back = back;
  d->owner = owner;
  d->crews[RW_BEFORE].work = before;
  d->crews[RW_AFTER].work = after;
  pthread_mutex_init(&d->lock, NULL);
  for (int i = 0; i < 2; i++) {
    d->crews[i].disk = d;
    rw_condition_init(&d->crews[i].more);
  }
  return d;
}


void rw_disk_give (rw_disk *d, rw_request *r, rw_side side) {
  crew *c = &d->crews[side];
  bool taken = true;
  pthread_mutex_lock(&d->lock);
  r->on_disk = false;
  rw_queue_push(&c->line, r);
  c->lined++;
  if (c->idle >= c->lined) {
    pthread_cond_signal(&c->more);
  } else if (c->started < DISK_THREADS &&
             rw_thread_start(&c->threads[c->started], "runway-disk", disk_main, c)) {
    c->started++;
  } else if (c->started == 0) {
    rw_queue_remove(&c->line, r);
    c->lined--;
    taken = false;
  }
  pthread_mutex_unlock(&d->lock);
  if (taken) return;
  rw_fail(&r->error, RW_LIMIT, "threads", "no thread can be started for the disk");
  r->error.permanent = false;
  d->back(d->owner, r);
}


bool rw_disk_take_back (rw_disk *d, rw_request *r, rw_side side) {
  bool waits;
  pthread_mutex_lock(&d->lock);
  waits = !r->on_disk;
  if (waits) {
    rw_queue_remove(&d->crews[side].line, r);
    d->crews[side].lined--;
  }
  pthread_mutex_unlock(&d->lock);
  return waits;
}


void rw_disk_free (rw_disk *d) {
  pthread_mutex_lock(&d->lock);
  d->closing = true;
  for (int i = 0; i < 2; i++) pthread_cond_broadcast(&d->crews[i].more);
  pthread_mutex_unlock(&d->lock);
  for (int i = 0; i < 2; i++) {
    for (unsigned t = 0; t < d->crews[i].started; t++)
      pthread_join(d->crews[i].threads[t], NULL);
    pthread_cond_destroy(&d->crews[i].more);
  }
  pthread_mutex_destroy(&d->lock);
  free(d);
}
