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
** a crash has left can be taken over.
**
** The mark also tells what is in it, where that can be told for certain (see
** sink_note.h): then a .part is kept when its download breaks off, and who asks
** for the same source goes on with it.
**
** What a file system cannot do is done without, as safely as may be:
** - no attributes: "<path>.part" is passed over for the names that say whose
**   they are, and what is in it is not known: it begins anew;
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

#include "sha256.h"
#include "sink_note.h"

#pragma GCC visibility push(hidden)

typedef struct rw_sink {
  char *path;                  /* owned; NULL: no file wanted */
  char *source;                /* owned; whose file it is; NULL: is not gone on with */
  bool overwrite;
  int64_t max_bytes;           /* 0: no cap */
  const _Atomic bool *stop;    /* once true, the file gets no name any more; NULL:
                                  never. commit returns ECANCELED then */

  char *part;                  /* owned; the file beside it once open */
  bool found;                  /* it was there, and is as it was */
  bool unnumbered;             /* no number tells one file from another here */
  int fd;                      /* -1: not open */
  int64_t written;             /* bytes that are in it, whenever they were */
  rw_sha256 sum;               /* of these */
  rw_note note;                /* of what is in it */
  bool noted;                  /* it bears that, so what is in it can be gone on with */
  rw_recall old;               /* what was found; `have` 0: that it cannot */
  size_t again;                /* bytes of its end still to come, and to be the same */
  const char *what;            /* the step that failed, a literal */
} rw_sink;

int rw_sink_open (rw_sink *s);     /* leaves the bytes of one found there */
int rw_sink_try (rw_sink *s);      /* opens, and looks whether a byte fits; leaves nothing */
int rw_sink_write (rw_sink *s, const void *data, size_t len); /* EOVERFLOW: the cap */
int rw_sink_commit (rw_sink *s);   /* sync, rename, sync the directory */
int rw_sink_put (rw_sink *s, const char *whole);  /* the same of a file of another's making,
                                  on the same file system; s is not opened */
void rw_sink_abandon (rw_sink *s); /* keep it, or remove what was written; idempotent */
void rw_sink_free (rw_sink *s);

/* Reads what was found there, if it can be gone on with: old.have is set then, and
** up to `room` of its first bytes are in `start`. */
void rw_sink_recall (rw_sink *s, char *start, size_t room);

/* Before the first byte: from the start, of a file of note->total bytes (-1: not
** known); or of the rest, which begins RW_OVERLAP bytes before the end of what was
** found. ENOSPC and EOVERFLOW when all of it will not fit. */
int rw_sink_begin (rw_sink *s, const rw_note *note);
int rw_sink_go_on (rw_sink *s, int64_t total);   /* then of write: EILSEQ, it differs */

/* What is in it, and what was found, is not to be gone on with. */
void rw_sink_spoil (rw_sink *s);

/* Sees to it that what will be kept lasts. */
void rw_sink_settle (rw_sink *s);

/* Bytes that who asks next can go on with. */
int64_t rw_sink_kept (const rw_sink *s);

/* The word for what one of these calls returned; may it help to try again? */
const char *rw_sink_code (int err, bool *permanent);

/* The sentence for it, of which the end of it, the reason, is never cut off; and
** what of it stands behind the path, where it is not too large. */
#define RW_SINK_WHY 512
void rw_sink_tell (const rw_sink *s, int err, char *to, size_t size);
void rw_sink_why (const rw_sink *s, int err, char *to, size_t size);

#pragma GCC visibility pop

#endif
