/*
** Loaded before a program, this lets the wall clock jump a day ahead and a day
** back at each look at it. The clock that only goes forward stays as it is.
*/
#include <dlfcn.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#define DAY 86400

static time_t jump (void) {
  static _Atomic int looks;
  return ++looks % 2 ? DAY : -DAY;
}


int clock_gettime (clockid_t clock, struct timespec *ts) {
  int (*real) (clockid_t, struct timespec *) =
    (int (*) (clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, ts);
  if (result == 0 && clock == CLOCK_REALTIME) ts->tv_sec += jump();
  return result;
}


int gettimeofday (struct timeval *restrict tv, void *restrict zone) {
  int (*real) (struct timeval *, void *) =
    (int (*) (struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
  int result = real(tv, zone);
  if (result == 0) tv->tv_sec += jump();
  return result;
}


time_t time (time_t *to) {
  struct timespec ts;
  (void)clock_gettime(CLOCK_REALTIME, &ts);
  if (to) *to = ts.tv_sec;
  return ts.tv_sec;
}
