/*
** transfer.h: one HTTP exchange over a libcurl easy handle.
** All calls belong to the engine's thread.
*/
#ifndef RW_TRANSFER_H
#define RW_TRANSFER_H

#include "request.h"

#pragma GCC visibility push(hidden)

/*
** Makes r->easy ready for curl_multi_add_handle: opens the files, assembles
** the body, sets every option. False with r->error set: nothing was sent and
** r may be given back as it is.
*/
bool rw_transfer_begin (rw_request *r);

/*
** Reads what came of it after libcurl said `code`, puts a file in place, and
** releases the handle. The handle must be out of its multi by then.
*/
void rw_transfer_end (rw_request *r, CURLcode code);

/*
** Shall a transfer that ended with `code` be given to libcurl once more, as
** it is now? Only a paid request that never left: it offers HTTP/1.1 alone,
** which a server that has only HTTP/2 refuses, or passes over in silence.
*/
bool rw_transfer_again (rw_request *r, CURLcode code);

/* Releases the handle of a transfer that shall not be finished. */
void rw_transfer_drop (rw_request *r);

#pragma GCC visibility pop

#endif
