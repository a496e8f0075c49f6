/*
** stats.h: what an engine has done so far, and what it is doing. Counted by its
** threads, read by the caller's.
*/
#ifndef RW_STATS_H
#define RW_STATS_H

#include <stdatomic.h>
#include <stdint.h>

/* name: what it counts. The first eight only grow, the others come and go. */
#define RW_STATS(each) \
  each(started)        /* requests handed over */ \
  each(finished)       /* and come to an end, whatever it was */ \
  each(failed)         /* of these: with an error */ \
  each(cancelled)      /* of these: since they were cancelled */ \
  each(sent)           /* exchanges that passed the gate */ \
  each(connections)    /* sockets opened */ \
  each(bytes_in)       /* of bodies, as they came over the wire */ \
  each(bytes_out) \
  each(waiting)        /* in a lane's line */ \
  each(running)        /* given to libcurl */ \
  each(on_disk)        /* before or after that, on the disk */

typedef struct rw_stats {
#define RW_STATS_FIELD(name) _Atomic int64_t name;
  RW_STATS(RW_STATS_FIELD)
#undef RW_STATS_FIELD
} rw_stats;

#define rw_count(stats, name, n) ((void)atomic_fetch_add(&(stats)->name, (n)))

#endif
