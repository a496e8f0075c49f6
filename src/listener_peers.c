/*
** listener_peers.c: the connections of a listener.
**
** Each connection has a slot, and in it goes through these stages:
**   IDLE -> RECEIVING -> WAITING -> TAKEN -> ANSWERED -> IDLE (kept alive)
** From WAITING to the answer the connection is suspended: libmicrohttpd then
** neither touches nor frees it, even if its client is gone. Stages change under
** the lock, a connection is suspended and resumed under it, and none is once
** the listener is closing: libmicrohttpd aborts the process if it is stopped
** with a suspended connection.
**
** The lock is never held while an answer is freed (see listener_answer.h).
*/
#include "system.h"

#ifdef RUNWAY_LISTENER   /* a host that compiles all of src/ may do without libmicrohttpd */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <microhttpd.h>

#include "clock.h"
#include "header.h"
#include "listener_peers.h"

#define HEAD_BYTES 65536       /* memory of a connection for request line, headers
                                  and read-ahead; a longer head gets 431 or 414 */
#define IDLE_SECONDS 30        /* on a connection where nothing moves */
#define REQUEST_MS 60000       /* for a request, however it dribbles in; begun anew
                                  by each PROGRESS_BYTES of its body */
#define PROGRESS_BYTES 65536
#define CROWDED_MS 1000        /* the same without a request line yet, while all
                                  slots are taken */
#define SPARE_BYTES 1048576    /* of a body too long, what is still read, so that
                                  the client gets to see its 413 */
#define BODIES 64              /* bodies of full size that may be held in all;
                                  beyond, 503 */
#define TICK_MS 1000           /* between two looks for late and lost clients */


/* Under the lock, for a suspended peer: its answer may go, or go on. */
static void resume (rw_peer *p) {
  p->stage = RW_ANSWERED;
  MHD_resume_connection(p->connection);
}


/* Under the lock: the peer is free for a request. Returns an answer never
** picked up, which the caller frees outside of the lock. */
static rw_answer *reset (rw_peer *p) {
  rw_answer *answer = p->answer;
  p->listener->held -= p->body.len;
  rw_buffer_free(&p->head);
  rw_buffer_free(&p->body);
  p->answer = NULL;
  p->stage = RW_IDLE;
  p->since = rw_now_ms();
  p->begun = p->framed = false;
  p->refusal = 0;
  p->id = p->received = 0;
  return answer;
}


/*
** {=================================================================
** What libmicrohttpd's thread calls
** ==================================================================
*/

static rw_peer *peer_of (struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
    MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}


static void on_connection (void *cls, struct MHD_Connection *connection, void **context,
                           enum MHD_ConnectionNotificationCode code) {
  rw_listener *l = cls;
  rw_answer *answer = NULL;
  bool wake = false;
  rw_peer *p;
  pthread_mutex_lock(&l->lock);
  if (code == MHD_CONNECTION_NOTIFY_STARTED && (p = l->spare) != NULL) {
    *context = p;
    l->spare = p->next;
    p->connection = connection;
    p->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    reset(p);
    wake = l->live++ == 0;
  }
  else if (code == MHD_CONNECTION_NOTIFY_CLOSED && (p = *context) != NULL) {
    answer = reset(p);
    p->connection = NULL;
    p->next = l->spare;
    l->spare = p;
    l->live--;
  }
  pthread_mutex_unlock(&l->lock);
  rw_answer_free(answer);
  if (wake) rw_wake_ring(l->bell.in);
}


/* What libmicrohttpd takes for a target may hold blanks and half the end of a line. */
static bool is_target (const char *s) {
  while ((unsigned char)*s > ' ' && *s != 127) s++;
  return *s == '\0';
}


/* The request line: the only place where the target is seen as it was sent. */
static void *on_target (void *cls, const char *target, struct MHD_Connection *connection) {
  rw_listener *l = cls;
  rw_peer *p = peer_of(connection);
  if (!p) return NULL;
  pthread_mutex_lock(&l->lock);
  p->stage = RW_RECEIVING;
  p->since = rw_now_ms();
  pthread_mutex_unlock(&l->lock);
  if (!target) target = "";
  if (!is_target(target)) p->refusal = MHD_HTTP_BAD_REQUEST;
  if (!rw_buffer_append(&p->head, target, strlen(target) + 1))
    p->refusal = MHD_HTTP_SERVICE_UNAVAILABLE;
  return NULL;
}


/* Is this text that one, in any case? */
static bool is_same (const char *text, const char *word) {
  return rw_header_same(text, word, strlen(word) + 1);
}


static enum MHD_Result on_peer_header (void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value) {
  rw_peer *p = cls;
  bool encoding = is_same(name, "Transfer-Encoding");
  (void)kind;
  if (!value) value = "";
  /* libmicrohttpd lets any bytes be a name, such as "Content-Length\f", and half
  ** the end of a line stand within a value */
  if (!rw_header_is_token(name, strlen(name)) || strpbrk(value, "\r\n"))
    p->refusal = MHD_HTTP_BAD_REQUEST;
  if (encoding || is_same(name, "Content-Length")) {
    /* two readings of where a body ends are how requests get smuggled in */
    if (p->framed || (encoding && !is_same(value, "chunked")))
      p->refusal = MHD_HTTP_BAD_REQUEST;
    p->framed = true;
  }
  if (!rw_buffer_append(&p->head, name, strlen(name) + 1) ||
      !rw_buffer_append(&p->head, value, strlen(value) + 1))
    p->refusal = MHD_HTTP_SERVICE_UNAVAILABLE;
  return MHD_YES;
}


/* Answers by itself what is wrong or too much. */
static enum MHD_Result refuse_peer (rw_peer *p) {
  const char *text = p->refusal == MHD_HTTP_CONTENT_TOO_LARGE ? "The body is too long.\n"
                   : p->refusal == MHD_HTTP_BAD_REQUEST ? "The head is malformed.\n"
                   : "Too many requests are waiting.\n";
  struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)text,
                                                                  MHD_RESPMEM_PERSISTENT);
  enum MHD_Result result;
  if (!response) return MHD_NO;
  MHD_add_response_header(response, "Content-Type", "text/plain");
  MHD_add_response_header(response, "Connection", "close");
  if (p->refusal == MHD_HTTP_SERVICE_UNAVAILABLE)
    MHD_add_response_header(response, "Retry-After", "1");
  pthread_mutex_lock(&p->listener->lock);
  p->stage = RW_ANSWERED;
  pthread_mutex_unlock(&p->listener->lock);
  result = MHD_queue_response(p->connection, p->refusal, response);
  MHD_destroy_response(response);
  return result;
}


static enum MHD_Result on_headers (rw_peer *p, const char *method) {
  const char *length = MHD_lookup_connection_value(p->connection, MHD_HEADER_KIND,
                                                   "Content-Length");
  p->begun = true;
  if (!rw_header_is_token(method, strlen(method))) p->refusal = MHD_HTTP_BAD_REQUEST;
  if (!rw_buffer_append(&p->head, method, strlen(method) + 1))
    p->refusal = MHD_HTTP_SERVICE_UNAVAILABLE;
  MHD_get_connection_values(p->connection, MHD_HEADER_KIND, on_peer_header, p);
  if (length && strtoull(length, NULL, 10) > p->listener->max_body + SPARE_BYTES)
    p->refusal = MHD_HTTP_CONTENT_TOO_LARGE;
  return p->refusal ? refuse_peer(p) : MHD_YES;
}


/* Keeps a piece of the body; of a refused body it only counts what comes. */
static enum MHD_Result on_peer_body (rw_peer *p, const char *data, size_t size) {
  rw_listener *l = p->listener;
  size_t before = p->body.len;
  bool kept = !p->refusal && rw_buffer_append_within(&p->body, data, size, l->max_body);
  bool moves = p->received / PROGRESS_BYTES != (p->received + size) / PROGRESS_BYTES;
  p->received += size;
  if (p->received > l->max_body) p->refusal = MHD_HTTP_CONTENT_TOO_LARGE;
  else if (!kept) p->refusal = MHD_HTTP_SERVICE_UNAVAILABLE;
  pthread_mutex_lock(&l->lock);
  if (moves) p->since = rw_now_ms();
  l->held += p->body.len - before;
  if (!p->refusal && l->held > (uint64_t)l->max_body * BODIES)
    p->refusal = MHD_HTTP_SERVICE_UNAVAILABLE;
  if (p->refusal) {
    l->held -= p->body.len;
    rw_buffer_free(&p->body);
  }
  pthread_mutex_unlock(&l->lock);
  return p->received <= l->max_body + SPARE_BYTES ? MHD_YES : MHD_NO;
}


/* The request is in: queues it. Called again once there is an answer. */
static enum MHD_Result on_whole (rw_peer *p) {
  rw_listener *l = p->listener;
  rw_answer *answer;
  if (p->refusal) return refuse_peer(p);
  pthread_mutex_lock(&l->lock);
  if (p->stage == RW_RECEIVING && !l->closing) {
    p->id = ++l->requests * RW_SLOTS + (uint64_t)(p - l->peers);
    p->stage = RW_WAITING;
    p->next = NULL;
    if (l->first) l->last->next = p; else l->first = p;
    l->last = p;
    MHD_suspend_connection(p->connection);
    pthread_mutex_unlock(&l->lock);
    rw_wake_ring(l->notify);
    return MHD_YES;
  }
  answer = p->answer;
  p->answer = NULL;
  pthread_mutex_unlock(&l->lock);
  return answer && rw_answer_send(answer, p->connection, p->fd) ? MHD_YES : MHD_NO;
}


static enum MHD_Result on_peer_request (void *cls, struct MHD_Connection *connection,
                                   const char *url, const char *method, const char *version,
                                   const char *data, size_t *size, void **request) {
  rw_peer *p = peer_of(connection);
  (void)cls; (void)url; (void)version; (void)request;
  if (!p) return MHD_NO;
  if (!p->begun) return on_headers(p, method);
  if (*size > 0) {
    size_t n = *size;
    *size = 0;
    return on_peer_body(p, data, n);
  }
  return on_whole(p);
}


/* A request is over: answered, or lost. */
static void on_completed (void *cls, struct MHD_Connection *connection, void **request,
                          enum MHD_RequestTerminationCode code) {
  rw_listener *l = cls;
  rw_peer *p = peer_of(connection);
  rw_answer *answer;
  (void)request; (void)code;
  if (!p) return;
  pthread_mutex_lock(&l->lock);
  answer = reset(p);
  pthread_mutex_unlock(&l->lock);
  rw_answer_free(answer);
}


/* The next piece of a slow answer is not due yet. */
static bool on_pause (void *cls, int64_t due) {
  rw_peer *p = cls;
  rw_listener *l = p->listener;
  bool closing;
  pthread_mutex_lock(&l->lock);
  closing = l->closing;
  if (!closing) {
    p->stage = RW_PAUSED;
    p->due = due;
    MHD_suspend_connection(p->connection);
  }
  pthread_mutex_unlock(&l->lock);
  rw_wake_ring(l->bell.in);
  return !closing;
}


struct MHD_Daemon *rw_peers_serve (rw_listener *l, int fd, bool ipv6) {
  unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                   (ipv6 ? MHD_USE_IPv6 : 0);
  return MHD_start_daemon(flags, l->port, NULL, NULL, on_peer_request, l,
    MHD_OPTION_LISTEN_SOCKET, fd,
    MHD_OPTION_CONNECTION_LIMIT, (unsigned)RW_SLOTS,
    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES,
    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
    MHD_OPTION_STRICT_FOR_CLIENT, 1,
    MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,
    MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
    MHD_OPTION_URI_LOG_CALLBACK, on_target, l,
    MHD_OPTION_END);
}

/* }================================================================= */


/*
** {=================================================================
** The time keeper: libmicrohttpd counts idle time only
** ==================================================================
*/

static bool has_left (int fd) {
  char c;
  ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}


int rw_peers_tend (rw_listener *l) {
  int64_t now = rw_now_ms(), next = now + TICK_MS;
  bool crowded = l->live == RW_SLOTS;
  for (rw_peer *p = l->peers; p < l->peers + RW_SLOTS; p++) {
    if (!p->connection) continue;
    if (p->stage <= RW_RECEIVING) {
      int64_t limit = crowded && p->stage == RW_IDLE ? CROWDED_MS : REQUEST_MS;
      if (now - p->since > limit) shutdown(p->fd, SHUT_RDWR);
    }
    else if (p->stage == RW_STALLED) {
      if (has_left(p->fd)) resume(p);
    }
    else if (p->stage == RW_PAUSED) {
      if (p->due <= now) resume(p);
      else if (p->due < next) next = p->due;
    }
  }
  return l->live ? (int)(next - now) : -1;
}


/* }================================================================= */


/*
** {=================================================================
** What the caller's thread does
** ==================================================================
*/

const rw_incoming *rw_listener_first (rw_listener *l) {
  rw_peer *p;
  pthread_mutex_lock(&l->lock);
  p = l->first;
  pthread_mutex_unlock(&l->lock);
  if (!p) return NULL;
  l->shown = (rw_incoming){p->id, p->head.data, p->body.data, p->head.len, p->body.len};
  return &l->shown;
}


void rw_listener_took (rw_listener *l) {
  rw_peer *p;
  pthread_mutex_lock(&l->lock);
  p = l->first;
  l->first = p->next;
  l->held -= p->body.len;
  rw_buffer_free(&p->head);
  rw_buffer_free(&p->body);
  p->stage = RW_TAKEN;
  pthread_mutex_unlock(&l->lock);
}


bool rw_listener_answer (rw_listener *l, uint64_t id, rw_answer *answer) {
  rw_peer *p = &l->peers[id % RW_SLOTS];
  bool waits;
  pthread_mutex_lock(&l->lock);
  waits = p->connection && p->stage == RW_TAKEN && p->id == id;
  if (waits) {
    rw_answer_bind(answer, on_pause, p);
    p->answer = answer;
    if (rw_answer_fault(answer) == RW_STALL) p->stage = RW_STALLED;
    else resume(p);
  }
  pthread_mutex_unlock(&l->lock);
  return waits;
}


bool rw_peers_shut (rw_listener *l) {
  bool busy = false;
  pthread_mutex_lock(&l->lock);
  l->closing = true;
  l->first = NULL;
  for (rw_peer *p = l->peers; p < l->peers + RW_SLOTS; p++) {
    if (!p->connection || p->stage <= RW_RECEIVING) continue;
    if (p->stage != RW_ANSWERED) resume(p);
    busy = true;
  }
  pthread_mutex_unlock(&l->lock);
  return busy;
}

/* }================================================================= */

#endif
