/*
** sink_note.h: what a .part holds, told in its mark, so that a later run can go
** on with it.
**
** A note names the source (whose file it is, a word of the caller's), how long the
** whole is, and a validator: what the server calls these very bytes, a strong entity
** tag or a date. How much is there the file's length tells, as long as the machine
** has not gone down since: after that, how much was synced.
*/
#ifndef RW_SINK_NOTE_H
#define RW_SINK_NOTE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sha256.h"

#pragma GCC visibility push(hidden)

/* So many of the last bytes are asked for again, and must be what is there. */
#define RW_OVERLAP 1024

/* Longest validator that is kept. */
#define RW_VALIDATOR 160

typedef struct rw_note {
  int64_t total;               /* bytes of the whole; -1: not known */
  int64_t safe;                /* written: bytes that are synced; read: bytes to be
                                  believed in, if they are there */
  char validator[RW_VALIDATOR]; /* "": none, so there is no going on */
} rw_note;

/* Into the mark of an open .part; false: it bears none, or one without a note. */
bool rw_note_write (int fd, const char *whose, const rw_note *note);

/* From it; false when it tells of nothing of this source that can be gone on with. */
bool rw_note_read (int fd, const char *whose, rw_note *note);

/* What was read of the bytes that are there. */
typedef struct rw_recall {
  int64_t have;                /* so many */
  rw_sha256 sum;               /* of all of them */
  char *start, tail[RW_OVERLAP]; /* the first, as many as were asked for; the last */
  size_t room, started;
} rw_recall;

/* Reads the .part from its start, `most` bytes of it; false when it cannot be read,
** or `stop` says so (NULL: it never does). It is to be written on from where it was read to. */
bool rw_note_recall (int fd, int64_t most, rw_recall *what, const _Atomic bool *stop);

#pragma GCC visibility pop

#endif
