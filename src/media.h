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

/* Opens a plain file and names its type, a literal, which its bytes tell, and whether
** it is a picture that moves (`moves` may be NULL); -1 with `e` set. */
int rw_media_open (const char *path, int64_t *size, const char **type, bool *moves,
                   rw_error *e);

#pragma GCC visibility pop

#endif
