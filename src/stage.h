/*
** stage.h: what is done for a request on the disk: before it enters its lane,
** and after its last byte. All of it may block, and belongs on a disk thread.
*/
#ifndef RW_STAGE_H
#define RW_STAGE_H

#include "request.h"

#pragma GCC visibility push(hidden)

/* Has it anything to wait for there? These two do not block. */
bool rw_stage_needed_before (const rw_request *r);
bool rw_stage_needed_after (const rw_request *r);

/* Opens its target and its inputs, encodes what is sent as a data URI; or does
** the look that is all it is for. On failure r->error is set. */
void rw_stage_before (rw_request *r);

/* Puts a whole file in place and takes away any other; closes its inputs. */
void rw_stage_after (rw_request *r);

/* Sets r->error to what the sink says of `err`, an errno value. */
void rw_stage_fail (rw_request *r, int err);

#pragma GCC visibility pop

#endif
