/*
** network.h: what the network thread alone has: the lanes, the transfers, and
** libcurl's multi handle.
**
** All calls but the first and rw_network_wake belong to that thread. A request
** given to rw_network_enter is the network's until `finished` is called with
** it, which may happen within any of these calls, or until it is dropped.
*/
#ifndef RW_NETWORK_H
#define RW_NETWORK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "disk.h"
#include "handles.h"
#include "idle.h"
#include "queue.h"
#include "request.h"
#include "stats.h"

#pragma GCC visibility push(hidden)

typedef struct rw_lane rw_lane;

typedef struct rw_network {
  CURLM *multi;
  rw_disk *disk;
  rw_lane *lanes;
  unsigned nlanes;
  rw_queue active;             /* given to libcurl */
  rw_idle idle;
  rw_handles handles;
  double next_deadline;        /* on rw_now; none of an active request's times is
                                  earlier */
  bool stirred;                /* something came in this turn */
  atomic_bool ending;          /* a turn is to end soon: no more of a file is taken */

  /* set by its user before it is opened */
  rw_stats *stats;
  bool trace;
  void (*finished)(void *owner, rw_request *r);
  rw_disk_back back;           /* called on the disk's threads */
  void *owner;
} rw_network;

/* NULL, or why it cannot (a literal); rw_network_shut releases what is there. */
const char *rw_network_open (rw_network *n);

/* Ends a wait within rw_network_turn; from any thread, until it is left. */
void rw_network_wake (rw_network *n);

/* The same when it is the last one, and a turn in which a file arrives, which
** libcurl ends when the server has no more to give. */
void rw_network_hurry (rw_network *n);

/* A new request; one that has come back from the disk. */
void rw_network_enter (rw_network *n, rw_request *r);
void rw_network_return (rw_network *n, rw_request *r);

/* Takes a request from wherever it is, but from a file being put in place. One
** that is on the disk comes back when it may. */
void rw_network_cancel (rw_network *n, rw_request *r);

/* One turn of the loop: sends and receives, then waits for more to do. */
void rw_network_turn (rw_network *n);

/* The end, in this order: stops all transfers; leaves libcurl, on the thread
** that was in it; waits for the disk and releases all. */
void rw_network_stop (rw_network *n);
void rw_network_leave (rw_network *n);
void rw_network_shut (rw_network *n);

#pragma GCC visibility pop

#endif
