/*
** cut.h: does a picture end where it should, or was it cut: half downloaded, or
** written to a disk that was full?
*/
#ifndef RW_CUT_H
#define RW_CUT_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

/* What a picture is read from: a file, or base64 without white space. */
typedef struct {
  int fd;                      /* read at places; its own stays where it is */
  const char *digits;          /* NULL: the file */
  uint64_t size;               /* in bytes */
} rw_cut_bytes;

/*
** What a PNG, JPEG, GIF or WebP ends before, in words (a literal); NULL where it
** has its end, whatever stands behind that, is of another type, or is so odd
** that nothing can be said. Of a file it may wait for the disk.
*/
const char *rw_cut_before (const rw_cut_bytes *from, const char *type);

#pragma GCC visibility pop

#endif
