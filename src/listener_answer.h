/*
** listener_answer.h: what a listener sends back. An answer is made by its
** caller, given headers, and handed to rw_listener_answer. Knows no Lua.
*/
#ifndef RW_LISTENER_ANSWER_H
#define RW_LISTENER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

typedef struct rw_answer rw_answer;

typedef enum rw_fault {
  RW_NONE,
  RW_DROP,                     /* close without a byte */
  RW_STALL,                    /* no byte, until the client leaves */
  RW_TRUNCATE,                 /* announce the whole body, send half, close */
  RW_SLOW,                     /* `chunk` bytes of the body per `every_ms` */
  RW_GARBAGE                   /* up to 16 KiB of the body, raw; close */
} rw_fault;

typedef struct rw_answer_options {
  unsigned status;
  const char *body;            /* copied */
  size_t body_length;
  const char *file;            /* path of the body, or NULL to send `body` */
  rw_fault fault;
  size_t chunk;
  int64_t every_ms;
} rw_answer_options;

/* NULL, with errno set, without memory or when the file cannot be read. */
rw_answer *rw_answer_new (const rw_answer_options *options);

/* False: such a header cannot be sent. */
bool rw_answer_header (rw_answer *a, const char *name, const char *value);
void rw_answer_free (rw_answer *a);

/*
** For the listener alone. `pause` suspends a slow answer until `due`, by
** rw_now_ms, or says false: the answer is cut. The thread that reads
** holds a lock of libmicrohttpd that freeing an answer takes too.
*/
typedef bool (*rw_answer_pause)(void *peer, int64_t due);
struct MHD_Connection;

void rw_answer_bind (rw_answer *a, rw_answer_pause pause, void *peer);
rw_fault rw_answer_fault (const rw_answer *a);

/* Starts sending and frees the answer; false: the connection is to be closed. */
bool rw_answer_send (rw_answer *a, struct MHD_Connection *connection, int fd);

#pragma GCC visibility pop

#endif
