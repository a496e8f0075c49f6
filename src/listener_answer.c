/*
** listener_answer.c: what a listener sends back, whole or with a fault.
**
** An answer without a fault is a plain response of libmicrohttpd, from memory
** or from a file. One that is cut short, dribbles, or is no HTTP at all reads
** its body through a source, which knows where to stop and when to go on.
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
#include "file.h"
#include "header.h"
#include "listener_answer.h"

#define BLOCK_BYTES 16384      /* read at once; also what of a raw answer is
                                  sure to fit a socket's buffer */

typedef struct source {
  char *data;
  int fd;                      /* -1: `data` is the body */
  uint64_t stop;               /* where sending ends, one way or the other */
  size_t chunk;
  int64_t every, due;          /* ms; every 0: as fast as it goes */
  rw_answer_pause pause;
  void *peer;
} source;

struct rw_answer {
  struct MHD_Response *response;
  source *source;              /* the response's; NULL: a plain body */
  unsigned status;
  rw_fault fault;
};


/*
** {=================================================================
** Sources
** ==================================================================
*/

static void free_source (void *cls) {
  source *s = cls;
  if (s->fd >= 0) close(s->fd);
  free(s->data);
  free(s);
}


/* Takes over `fd`, or copies the body. */
static source *new_source (const rw_answer_options *o, int fd, uint64_t size) {
  source *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  if (fd < 0) {
    s->data = malloc(size ? (size_t)size : 1);
    if (!s->data) {
      free(s);
      return NULL;
    }
    if (size) memcpy(s->data, o->body, (size_t)size);
  }
  s->fd = fd;
  s->stop = o->fault == RW_TRUNCATE ? size / 2 : size;
  s->chunk = o->chunk;
  s->every = o->fault == RW_SLOW ? o->every_ms : 0;
  return s;
}


/* Called by libmicrohttpd: up to `most` bytes of the body from `at` on. */
static ssize_t read_source (void *cls, uint64_t at, char *into, size_t most) {
  source *s = cls;
  ssize_t n;
  if (at >= s->stop) return MHD_CONTENT_READER_END_WITH_ERROR;
  if (most > s->stop - at) most = (size_t)(s->stop - at);
  if (s->every > 0) {
    int64_t now = rw_now_ms();
    if (now < s->due)
      return s->pause(s->peer, s->due) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
    s->due = now + s->every;
    if (most > s->chunk) most = s->chunk;
  }
  if (s->fd < 0) {
    memcpy(into, s->data + at, most);
    return (ssize_t)most;
  }
  n = pread(s->fd, into, most, (off_t)at);
  return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

/* }================================================================= */


/*
** {=================================================================
** Answers
** ==================================================================
*/

/* Sets the response, and the source if it needs one; takes over `fd`. */
static bool make_response (rw_answer *a, const rw_answer_options *o, int fd,
                           uint64_t size) {
  if (o->fault >= RW_TRUNCATE) {
    a->source = new_source(o, fd, size);
    if (a->source) {
      a->response = MHD_create_response_from_callback(size, BLOCK_BYTES,
        read_source, a->source, free_source);
      if (a->response) return true;
      a->source->fd = -1;                        /* closed below */
      free_source(a->source);
    }
  }
  else if (fd >= 0)
    a->response = MHD_create_response_from_fd64(size, fd);
  else
    a->response = MHD_create_response_from_buffer((size_t)size, (void *)o->body,
                                                  MHD_RESPMEM_MUST_COPY);
  if (!a->response && fd >= 0) close(fd);
  return a->response != NULL;
}


rw_answer *rw_answer_new (const rw_answer_options *o) {
  int64_t size = (int64_t)o->body_length;
  int fd = -1;
  rw_answer *a;
  if (o->file && (fd = rw_file_open(o->file, &size)) < 0) return NULL;
  a = calloc(1, sizeof *a);
  if (a && make_response(a, o, fd, (uint64_t)size)) {
    a->status = o->status;
    a->fault = o->fault;
    return a;
  }
  if (!a && fd >= 0) close(fd);
  free(a);
  errno = ENOMEM;
  return NULL;
}


bool rw_answer_header (rw_answer *a, const char *name, const char *value) {
  return rw_header_is_token(name, strlen(name)) && rw_header_is_value(value, strlen(value)) &&
         MHD_add_response_header(a->response, name, value) == MHD_YES;
}


void rw_answer_free (rw_answer *a) {
  if (!a) return;
  MHD_destroy_response(a->response);             /* frees the source */
  free(a);
}


void rw_answer_bind (rw_answer *a, rw_answer_pause pause, void *peer) {
  if (!a->source) return;
  a->source->pause = pause;
  a->source->peer = peer;
}


rw_fault rw_answer_fault (const rw_answer *a) {
  return a->fault;
}


bool rw_answer_send (rw_answer *a, struct MHD_Connection *connection, int fd) {
  bool sent = false;
  if (a->fault == RW_GARBAGE) {
    char raw[BLOCK_BYTES];
    ssize_t n = read_source(a->source, 0, raw, sizeof raw);
    if (n > 0) (void)send(fd, raw, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  else if (a->fault != RW_DROP && a->fault != RW_STALL)
    sent = MHD_queue_response(connection, a->status, a->response) == MHD_YES;
  rw_answer_free(a);                             /* a queued one lives on */
  return sent;
}

/* }================================================================= */

#endif
