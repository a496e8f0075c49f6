/*
** queue.c: a list of requests.
*/
#include "system.h"
#include "queue.h"


void rw_queue_push (rw_queue *q, rw_request *r) {
  r->next = NULL;
  r->prev = q->last;
  if (q->last) q->last->next = r; else q->first = r;
  q->last = r;
}


void rw_queue_remove (rw_queue *q, rw_request *r) {
  if (r->prev) r->prev->next = r->next; else q->first = r->next;
  if (r->next) r->next->prev = r->prev; else q->last = r->prev;
  r->prev = r->next = NULL;
}


rw_request *rw_queue_pop (rw_queue *q) {
  rw_request *r = q->first;
  if (r) rw_queue_remove(q, r);
  return r;
}


void rw_queue_move (rw_queue *q, rw_queue *from) {
  if (!from->first) return;
  if (q->last) {
    q->last->next = from->first;
    from->first->prev = q->last;
  } else {
    q->first = from->first;
  }
  q->last = from->last;
  from->first = from->last = NULL;
}


void rw_queue_free (rw_queue *q) {
  rw_request *r;
  while ((r = rw_queue_pop(q)) != NULL) rw_request_free(r);
}
