/*
** queue.h: a list of requests, first in, first out. A request stands in one at
** most, so its links are its own. {0} is empty.
*/
#ifndef RW_QUEUE_H
#define RW_QUEUE_H

#include "request.h"

#pragma GCC visibility push(hidden)

typedef struct rw_queue {
  rw_request *first, *last;
} rw_queue;

void rw_queue_push (rw_queue *q, rw_request *r);
rw_request *rw_queue_pop (rw_queue *q);            /* NULL when empty */
void rw_queue_remove (rw_queue *q, rw_request *r); /* which stands in it */

/* Appends all of `from`, which is empty then. */
void rw_queue_move (rw_queue *q, rw_queue *from);
void rw_queue_free (rw_queue *q);                  /* with the requests in it */

#pragma GCC visibility pop

#endif
