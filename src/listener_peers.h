/*
** listener_peers.h: a listener and its connections, for listener.c and
** listener_peers.c alone.
*/
#ifndef RW_LISTENER_PEERS_H
#define RW_LISTENER_PEERS_H

#include <pthread.h>
#include <sys/types.h>

#include "buffer.h"
#include "listener.h"
#include "wake.h"

#pragma GCC visibility push(hidden)

#define RW_SLOTS 512           /* connections: half of the usual limit of
                                  descriptors; further clients queue to connect */

typedef enum rw_stage {
  RW_IDLE,                     /* no request line yet */
  RW_RECEIVING,                /* a request */
  RW_WAITING,                  /* suspended: queued */
  RW_TAKEN,                    /* suspended: the caller has it */
  RW_ANSWERED,                 /* the answer is on its way; none: close */
  RW_PAUSED,                   /* suspended: a slow answer, until `due` */
  RW_STALLED                   /* suspended: not to be answered */
} rw_stage;

typedef struct rw_peer {
  rw_listener *listener;
  struct MHD_Connection *connection;     /* NULL: the slot is free */
  int fd;
  rw_stage stage;
  int64_t since, due;          /* ms: IDLE or RECEIVING began; PAUSED ends */
  bool begun;                  /* the headers of a request are in */
  bool framed;                 /* and one says how long its body is */
  unsigned refusal;            /* a status to answer with ourselves, or 0 */
  uint64_t id, received;       /* bytes of the body, kept or not */
  rw_buffer head, body;
  rw_answer *answer;           /* given, not picked up yet */
  struct rw_peer *next;        /* in the queue, or among the free slots */
} rw_peer;

struct rw_listener {
  /* shared, under the lock */
  pthread_mutex_t lock;
  bool closing;
  rw_peer *first, *last;       /* the queue; last counts only if first does */
  rw_peer *spare;              /* the free slots */
  unsigned live;               /* connections */
  uint64_t held, requests;     /* bytes of all bodies; requests so far */
  rw_peer peers[RW_SLOTS];

  /* set once */
  pid_t owner;
  size_t max_body;
  uint16_t port;
  int notify;                  /* -1: none */
  rw_wake bell;                /* for the time keeper */
  pthread_t keeper;
  bool keeping;
  struct MHD_Daemon *daemon;

  /* the caller's */
  rw_incoming shown;
};

/* Starts libmicrohttpd's thread on a listening socket; NULL when it cannot.
** The socket is libmicrohttpd's then. */
struct MHD_Daemon *rw_peers_serve (rw_listener *l, int fd, bool ipv6);

/* For the time keeper, under the lock: does what is due and returns the ms
** until more is; -1: not before the bell rings. */
int rw_peers_tend (rw_listener *l);

/* Closing, step by step: drops all that is not answered yet; true while an
** answer is on its way. After the first call nothing gets suspended. */
bool rw_peers_shut (rw_listener *l);

#pragma GCC visibility pop

#endif
