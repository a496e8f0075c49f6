/*
** clock.c: monotonic time: not CLOCK_BOOTTIME, since a time-out that was
** slept through had no time to be met.
*/
#include "system.h"
#include "clock.h"

#ifdef __APPLE__
#define CONDITION_CLOCK CLOCK_REALTIME   /* its conditions know no other */
#else
#define CONDITION_CLOCK CLOCK_MONOTONIC
#endif


double rw_now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}


int64_t rw_now_ms (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}


void rw_deadline_in (struct timespec *t, long ms) {
  clock_gettime(CONDITION_CLOCK, t);
  t->tv_sec += ms / 1000;
  t->tv_nsec += ms % 1000 * 1000000;
  if (t->tv_nsec >= 1000000000) {
    t->tv_sec++;
    t->tv_nsec -= 1000000000;
  }
}
