/*
** sink.h: a file that appears whole or not at all.
**
** Bytes go to "<path>.part" beside the target, which is locked, synced and
** renamed only when all of them are there. Nothing is ever written through a
** symbolic link, and a file already at `path` is replaced only with
** `overwrite`. All calls return 0, or an errno value with `what` naming the
** step for the reader.
*/
#ifndef RW_SINK_H
#define RW_SINK_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

typedef struct rw_sink {
  char *path;                  /* owned; NULL: no file wanted */
  bool overwrite;
  int64_t max_bytes;           /* 0: no cap */

  char *part;                  /* owned; "<path>.part" once open */
  int fd;                      /* -1: not open */
  int64_t written;
  const char *what;            /* the step that failed, a literal */
} rw_sink;

int rw_sink_open (rw_sink *s);
int rw_sink_write (rw_sink *s, const void *data, size_t len); /* EOVERFLOW: the cap */
int rw_sink_commit (rw_sink *s);   /* sync, rename, sync the directory */
void rw_sink_abandon (rw_sink *s); /* remove the .part; idempotent */
void rw_sink_free (rw_sink *s);

#pragma GCC visibility pop

#endif
