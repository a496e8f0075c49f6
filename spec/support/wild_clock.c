/*
** Loaded before a program, this lets the wall clock jump a day ahead and a day
** back at each look at it. The clock that only goes forward stays as it is. The
** kernel is asked itself: a sanitizer looks at clocks before anything can be found.
*/
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400

static time_t jump (void) {
  static _Atomic int looks;
  return ++looks % 2 ? DAY : -DAY;
}


int clock_gettime (clockid_t clock, struct timespec *ts) {
  int result = (int)syscall(SYS_clock_gettime, clock, ts);
  if (result == 0 && clock == CLOCK_REALTIME) ts->tv_sec += jump();
  return result;
}


int gettimeofday (struct timeval *restrict tv, void *restrict zone) {
  struct timespec ts;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &ts) != 0) return -1;
  tv->tv_sec = ts.tv_sec;
  tv->tv_usec = (suseconds_t)(ts.tv_nsec / 1000);
  return 0;
}


time_t time (time_t *to) {
  struct timespec ts;
  (void)clock_gettime(CLOCK_REALTIME, &ts);
  if (to) *to = ts.tv_sec;
  return ts.tv_sec;
}
