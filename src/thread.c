/*
** thread.c: starting a thread of ours.
*/
#include "system.h"

#include <stddef.h>
#include <time.h>

#include <dlfcn.h>

#include "thread.h"


void rw_signals_block (sigset_t *before) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, before);
}


void rw_signals_restore (const sigset_t *before) {
  pthread_sigmask(SIG_SETMASK, before, NULL);
}


void rw_stay_loaded (void) {
#ifdef RTLD_NODELETE
  static const char here = 0;
  Dl_info info;
  if (dladdr(&here, &info) && info.dli_fname)
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}


bool rw_thread_start (pthread_t *thread, const char *name,
                      void *(*body)(void *), void *data) {
  sigset_t before;
  int err;
  rw_stay_loaded();
  rw_signals_block(&before);
  err = pthread_create(thread, NULL, body, data);
  rw_signals_restore(&before);
#ifdef __linux__
  if (err == 0) (void)pthread_setname_np(*thread, name);
#else
  (void)name;
#endif
  return err == 0;
}


void rw_condition_init (pthread_cond_t *c) {
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
