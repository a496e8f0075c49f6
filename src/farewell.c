/*
** farewell.c: the end of the process.
*/
#include "system.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "clock.h"
#include "farewell.h"
#include "thread.h"

#define FAREWELL_MS 1000

static struct {
  pthread_once_t once;
  pthread_mutex_t lock;
  pthread_cond_t left;
  pid_t owner;
  rw_farewell *first;
} farewell = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};


static void on_exit_process (void) {
  struct timespec limit;
  int err = 0;
  if (farewell.owner != getpid()) return;        /* a fork has no threads of ours */
  rw_deadline_in(&limit, FAREWELL_MS);
  pthread_mutex_lock(&farewell.lock);
  for (rw_farewell *f = farewell.first; f; f = f->next) f->stop(f->data);
  while (farewell.first && err == 0)
    err = pthread_cond_timedwait(&farewell.left, &farewell.lock, &limit);
  pthread_mutex_unlock(&farewell.lock);
}


static void farewell_init (void) {
  rw_condition_init(&farewell.left);
  farewell.owner = getpid();
  (void)atexit(on_exit_process);
}


void rw_farewell_enter (rw_farewell *f) {
  (void)pthread_once(&farewell.once, farewell_init);
  pthread_mutex_lock(&farewell.lock);
  if (farewell.owner != getpid()) {              /* a fork that starts anew */
    farewell.owner = getpid();
    farewell.first = NULL;
  }
  f->prev = NULL;
  f->next = farewell.first;
  if (f->next) f->next->prev = f;
  farewell.first = f;
  pthread_mutex_unlock(&farewell.lock);
}


void rw_farewell_leave (rw_farewell *f) {
  pthread_mutex_lock(&farewell.lock);
  if (f->prev) f->prev->next = f->next; else farewell.first = f->next;
  if (f->next) f->next->prev = f->prev;
  pthread_cond_signal(&farewell.left);
  pthread_mutex_unlock(&farewell.lock);
}
