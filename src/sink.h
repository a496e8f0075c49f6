/*
** sink.h: a file that appears whole or not at all.
**
** Bytes go to a file beside the target, which is locked, synced, closed once,
** and renamed only when all of them are there. Nothing is ever written
** through a symbolic link, and a file already at `path` is replaced only with
** `overwrite`. All calls return 0, or an errno value with `what` naming the
** step for the reader.
**
** That file is "<path>.part". It is ours when this very call made it, or when
** a run that crashed left it: then it belongs to this user and bears a mark,
** the extended attribute "user.runway.part", which goes before the file gets
** its name. Only what is ours is emptied or removed. Where another's file lies
** at that name, the next of "<path>.runway.part", "<path>.runway-2.part", ...
** is taken; what is no plain file there (a link, a pipe, a directory, a second
** name of a file) is refused. So ours is always known for what it is, and what
** a crash has left can be taken over, or gone on with.
**
** What a file system cannot do is done without, as safely as may be:
** - no attributes: "<path>.part" is passed over for the names that say whose
**   they are;
** - no locks: a file that was there may be in another's hands, so only one
**   that this call made is used; two downloads to one target then have a file
**   each, and the first to be whole is kept;
** - no rename that spares what is there: a hard link spares it; and where
**   there are none either, an empty file is made at `path`, if none is there,
**   and then renamed over. A crash between these two leaves it empty: better
**   than a look and a rename, between which another's file could be lost;
** - no numbers for files that last (or no count of their names): the file that
**   this call made is the one at its name, whatever number it has there;
** - no fsync: the bytes are as safe as that file system keeps any;
** - too short names: the name's end gives way to a number made from all of
**   it, so that it is no longer than the target's, and the same for each who
**   asks.
*/
#ifndef RW_SINK_H
#define RW_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

typedef struct rw_sink {
  char *path;                  /* owned; NULL: no file wanted */
  bool overwrite;
  int64_t max_bytes;           /* 0: no cap */
  const _Atomic bool *stop;    /* once true, the file gets no name any more; NULL:
                                  never. commit returns ECANCELED then */

  char *part;                  /* owned; the file beside it once open */
  bool found;                  /* it was there, and is as it was */
  bool unnumbered;             /* no number tells one file from another here */
  int fd;                      /* -1: not open */
  int64_t written;
  const char *what;            /* the step that failed, a literal */
} rw_sink;

int rw_sink_open (rw_sink *s);     /* leaves the bytes of one found there */
int rw_sink_try (rw_sink *s);      /* opens, and looks whether a byte fits; leaves nothing */
int rw_sink_expect (rw_sink *s, int64_t size); /* will it fit? EOVERFLOW */
int rw_sink_write (rw_sink *s, const void *data, size_t len); /* EOVERFLOW: the cap */
int rw_sink_commit (rw_sink *s);   /* sync, rename, sync the directory */
void rw_sink_abandon (rw_sink *s); /* remove what was written; idempotent */
void rw_sink_free (rw_sink *s);

/* The word for what one of these calls returned; may it help to try again? */
const char *rw_sink_code (int err, bool *permanent);

/* The sentence for it, of which the end of it, the reason, is never cut off. */
void rw_sink_tell (const rw_sink *s, int err, char *to, size_t size);

#pragma GCC visibility pop

#endif
