/*
** request.h: one piece of work for the engine, and what came of it.
**
** A request is made by one thread, handed to the engine whole, filled in by
** the engine's threads one after the other, and handed back whole: no field is
** ever shared by two threads at a time, but for those marked atomic and those
** under a lock.
** Every pointer in it is owned by it; rw_request_free releases them all.
** Times are seconds unless a name says ms; sizes are bytes.
*/
#ifndef RW_REQUEST_H
#define RW_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "address.h"
#include "buffer.h"
#include "picture.h"
#include "sink.h"

#pragma GCC visibility push(hidden)

typedef enum {
  RW_OK, RW_NETWORK, RW_TIMEOUT, RW_LIMIT, RW_IO, RW_PROTOCOL, RW_INVALID,
  RW_CANCELLED
} rw_errkind;

typedef struct rw_error {
  rw_errkind kind;
  const char *code;            /* a literal: "dns", "tls", "locked", ... */
  bool permanent;              /* trying again cannot help */
  char message[320];
} rw_error;

/* Sets `e` unless it holds an earlier error: the first cause is the one told. */
void rw_fail (rw_error *e, rw_errkind kind, const char *code,
              const char *format, ...)
  __attribute__((format(printf, 4, 5)));

/* A body that may leave in pieces, and take longer to than an answer may take
** to come. */
#define RW_LARGE_BODY (64 * 1024)

/* A stretch of the body: text, or a local file sent as a data URI. */
typedef struct rw_part {
  char *text;                  /* NULL: the part is a file */
  size_t len;
  char *path;
  int fd;                      /* the file, once it is open; -1 */
  int64_t size;
  const char *type;            /* of what it holds; a literal */
} rw_part;

/* A field of a multipart form: a value, or a file. */
typedef struct rw_field {
  char *name;
  char *value;                 /* NULL: the field is a file */
  size_t len;
  char *path, *filename, *type;
  int fd;                      /* the file, once it is open; -1 */
  int64_t size;
} rw_field;

/* An exchange; a look at a file; its sum; a look at a target, as a download
** would; what is in a small file; one written as a download is; one that is whole
** put where a download would be; another program. */
typedef enum {
  RW_HTTP, RW_PROBE, RW_DIGEST, RW_READ, RW_TARGET, RW_WRITE, RW_PLACE, RW_PROGRAM
} rw_op;

#define RW_MEDIA_TYPE 40       /* the longest name of a type, with its end */
#define RW_READ_MOST 1048576   /* bytes of a file that RW_READ takes */

/* Which addresses a connection may lead to. */
typedef enum { RW_ANY, RW_PUBLIC, RW_PUBLIC_OR_LOOPBACK } rw_reach;

typedef struct rw_request {
  /* what to do */
  int64_t id;                  /* the caller's name for it */
  rw_op op;
  char *method, *url;
  bool loopback;               /* the URL names this machine (see url.h) */
  bool addressed;              /* it names an address, and not a name: this one */
  rw_address address;
  struct curl_slist *headers;
  struct curl_slist *pins;     /* names pinned to addresses: "host:port:address:" */
  rw_part *parts;              /* body: parts, or a form, or a file, or none */
  size_t nparts;
  rw_field *fields;
  size_t nfields;
  char *file;                  /* body read from disk; the path for RW_PROBE,
                                  RW_DIGEST and RW_READ; what RW_PLACE puts */
  char **argv;                 /* RW_PROGRAM: its path and arguments, and a NULL */
  char *proxy;                 /* "" or NULL for none */
  char *ca_file, *ca_dir;      /* authorities; both NULL: the system's */
  bool gate;                   /* paid: leaves once, on a fresh connection */
  bool allow_http;             /* http beyond loopback */
  rw_reach reach;
  long timeout_ms, connect_ms; /* 0: none. timeout_ms: until the whole answer is
                                  in, once running; begun anew while a body that
                                  is sent moves */
  long stall_s;                /* give up when this long without a byte; 0: never */
  size_t max_body;             /* cap of a body kept in memory */
  rw_sink sink;                /* where a file goes when sink.path is set: a 200's body,
                                  or what was asked for of it in a 206 */
  bool anew;                   /* what is there of it is not gone on with */
  bool only_media;             /* words are no file: a 200 that begins so fails */
  unsigned lane, lane_limit;   /* how many of a lane's requests run at once */

  /* what came of it */
  long status;                 /* 0: no answer */
  bool sent;                   /* the request was given to the connection */
  rw_buffer head, body;        /* last header block; body kept in memory (of
                                  RW_DIGEST the sum, of RW_READ the file, of
                                  RW_PROGRAM the end of what it said on standard
                                  error and output) */
  int exit_code;               /* RW_PROGRAM: as a shell says it */
  int64_t bytes;               /* length of the body, wherever it went; of a file
                                  that is whole, its own */
  int64_t kept;                /* bytes of a file that can be gone on with */
  char sum[RW_SHA256_HEX + 1]; /* of a file that is whole: its SHA-256; "" */
  char *redirect;              /* where a 3xx points, absolute */
  double total_s, connect_s;
  char media_type[RW_MEDIA_TYPE]; /* RW_PROBE: what the file's bytes say */
  bool media_moves;            /* a picture that moves */
  const char *media_cut;       /* what a picture ends before, in words; or NULL */
  int64_t media_size;          /* RW_PROBE, RW_DIGEST, RW_READ */
  rw_picture picture;          /* RW_PROBE; its width is 0 where it is not known */
  rw_error error;
  _Atomic int64_t received, expected; /* expected -1: not known */

  /* the engine's own */
  struct rw_request *prev, *next;     /* list it stands in */
  struct rw_request *next_cancel;     /* these four under the engine's lock */
  bool cancelling;                    /* stands in the cancel list */
  bool unless_sent;                   /* and is spared once it has left */
  bool done;                          /* the caller's to take */
  bool on_disk;                       /* under the disk's lock: begun there,
                                         or refused */
  _Atomic bool stop;                  /* cancelled: the disk need not go on */
  enum {
    RW_ENTERING, RW_IN_LINE, RW_PREPARING, RW_PREPARED, RW_RUNNING, RW_COMMITTING,
    RW_RELEASING
  } state;
  bool staged;                        /* counts among its lane's prepared ones */
  CURL *easy;
  curl_mime *mime;
  rw_buffer upload;                   /* the assembled body; what RW_WRITE writes */
  bool streams;                       /* the body is read from its parts as it leaves */
  size_t leaving;                     /* the part of it that does, from this byte on */
  int64_t leaving_at;
  int upload_fd;
  int64_t upload_size, upload_seen;   /* bytes of the body (-1: not known), and
                                         what had left by moved_at */
  int64_t upload_left;                /* paid: bytes of it given to the connection */
  double deadline, moved_at;          /* on rw_now, with timeout_ms; when a piece of
                                         a large body left last */
  size_t head_seen;                   /* all header bytes, 1xx included */
  unsigned head_lines;
  char start[512];                    /* how the file for the sink begins */
  size_t started;
  bool asks_rest;                     /* of a file, from a little before its end */
  bool filing;                        /* the body goes into the file */
  int64_t total;                      /* that is so long when it is whole; -1 */
  bool head_whole;                    /* the last block came to its end */
  int64_t length;                     /* the last block's Content-Length; -1: none */
  unsigned passes;                    /* times the gate was asked */
  bool refused, opened, via_proxy;    /* what the socket callback met */
  bool labelled;                      /* the answer names a coding */
  enum {
    RW_LOOK,                          /* of a file, taken as it comes if it is one */
    RW_DECODED,                       /* else asked for anew, for libcurl to decode */
    RW_AS_IT_CAME                     /* the label lied */
  } decoding;
  bool wants_h2, second_try;          /* HTTP/1.1 found no taker; so HTTP/2 */
  bool turned_away, said_goodbye;     /* what the server said of its stream */
  struct rw_stats *stats;             /* the engine's counters */
  struct rw_idle *idle;               /* and its idle connections */
  struct rw_handles *handles;         /* and libcurl's handles that wait */
  bool *stirred;                      /* and whether something came in this turn */
  atomic_bool *ending;                /* and whether it is to leave */
  double nudge_at;                    /* paid, and not answered by then */
  bool trace;
  int64_t trace_in, trace_out;        /* bytes of bodies not yet told */
  char errbuf[CURL_ERROR_SIZE];
} rw_request;

/* A request with safe defaults, or NULL without memory. */
rw_request *rw_request_new (void);

/* The same of one that has had its use: all that it owns is released. */
void rw_request_renew (rw_request *r);

/* Releases it and all it owns; a .part still open is let go of (see rw_sink_abandon). */
void rw_request_free (rw_request *r);

#pragma GCC visibility pop

#endif
