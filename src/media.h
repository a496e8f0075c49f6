/*
** media.h: local pictures, films and sounds on their way into a request.
** Both calls block on the disk and belong on one of its threads.
*/
#ifndef RW_MEDIA_H
#define RW_MEDIA_H

#include "request.h"

#pragma GCC visibility push(hidden)

/* Reads size and type of r->file into r->media_*, and of a picture its measures
** into r->picture; or sets r->error. */
void rw_media_probe (rw_request *r);

/*
** Appends the file at `path` to `out` as "data:<type>;base64,...", encoded as
** it is read, so that the result is the only copy. The type comes from the
** bytes. Returns false with `e` set; `out` may then hold a piece of it.
*/
bool rw_media_append (rw_buffer *out, const char *path, rw_error *e);

#pragma GCC visibility pop

#endif
