/*
** stage.h: what is done for a request on the disk: before it enters its lane,
** and after its last byte. All of it may block, and belongs on a disk thread.
*/
#ifndef RW_STAGE_H
#define RW_STAGE_H

#include "request.h"

#pragma GCC visibility push(hidden)

/* Has it anything to do there? These do not block. */
bool rw_stage_to_prepare (const rw_request *r);
bool rw_stage_to_commit (const rw_request *r);   /* its file is whole, or a part that
                                                    is kept: to be synced */
bool rw_stage_to_release (const rw_request *r);  /* it holds a file open */

/* Opens its target and its inputs, encodes what is sent as a data URI; or does
** the look that is all it is for. On failure r->error is set. */
void rw_stage_prepare (rw_request *r);

/* Puts its file in place, and releases the rest; sets r->error when there is no file
** in the end. Of a part that is kept it sees to it that it lasts. */
void rw_stage_commit (rw_request *r);

/* Closes its inputs and takes away what is not whole. */
void rw_stage_release (rw_request *r);

/* Sets r->error to what the sink says of `err`, an errno value. */
void rw_stage_fail (rw_request *r, int err);

#pragma GCC visibility pop

#endif
