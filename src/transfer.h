/*
** transfer.h: one HTTP exchange over a libcurl easy handle.
** All calls belong to the engine's thread.
*/
#ifndef RW_TRANSFER_H
#define RW_TRANSFER_H

#include "request.h"

#pragma GCC visibility push(hidden)

/* May its URL be asked for? False with r->error set. */
bool rw_transfer_check (rw_request *r);

/*
** Makes r->easy ready for curl_multi_add_handle; what it needs from the disk is
** there by now. False with r->error set: nothing was sent.
*/
bool rw_transfer_begin (rw_request *r);

/* Notes the connection of a transfer that has ended, where libcurl keeps it. The
** handle must still be in its multi. */
void rw_transfer_keep (rw_request *r);

/* Reads what came of it after libcurl said `code`, and releases the handle,
** which must be out of its multi by then. */
void rw_transfer_end (rw_request *r, CURLcode code);

/*
** Shall a transfer that ended with `code` be given to libcurl once more, as
** it is now? Only a paid request that never left: it offers HTTP/1.1 alone,
** which a server that has only HTTP/2 refuses, or passes over in silence; and
** one for a film, whose label names a coding that it is or is not in.
*/
bool rw_transfer_again (rw_request *r, CURLcode code);

/* Releases the handle of a transfer that shall not be finished. */
void rw_transfer_drop (rw_request *r);

#pragma GCC visibility pop

#endif
