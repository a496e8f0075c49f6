/*
** body.h: a request's parts, one after the other, as the bytes that leave: texts as
** they are, files as base64 data URIs, which are encoded as they are read. So no more
** of a file is ever in memory than the piece that is asked for.
*/
#ifndef RW_BODY_H
#define RW_BODY_H

#include "request.h"

#pragma GCC visibility push(hidden)

/* Opens the files, which blocks on the disk; or sets r->error. */
bool rw_body_open (rw_request *r);
void rw_body_close (rw_request *r);

/* Bytes of files in it, and of all of it. */
int64_t rw_body_files (const rw_request *r);
int64_t rw_body_length (const rw_request *r);

/* Up to `room` of the bytes that are next; 0 at the end, -1 with r->error set. */
ssize_t rw_body_read (rw_request *r, char *to, size_t room);

/* The next is the first again. */
void rw_body_rewind (rw_request *r);

#pragma GCC visibility pop

#endif
