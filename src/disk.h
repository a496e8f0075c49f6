/*
** disk.h: what may wait for a disk, done beside the thread that must not.
**
** A request goes through here before it enters its lane (its target is opened,
** its files are looked at and encoded) and after its last byte (synced and put
** in place; or let go: inputs closed, what is not whole taken away). Each of
** these errands has threads of its own, a few, that are started when there is
** work and no one to do it. So a sync that hangs for a minute holds up neither
** the preparing of others, nor an answer that only has inputs to close, nor,
** while there are threads left, the sync of others. One errand is none of the
** disk's: to attend another program, which takes as long as that runs.
**
** Ownership: from rw_disk_give on the request is the stage's, until `back` is
** called with it, on one of its threads.
*/
#ifndef RW_DISK_H
#define RW_DISK_H

#include <stdbool.h>

#include "request.h"

#pragma GCC visibility push(hidden)

typedef struct rw_disk rw_disk;

typedef enum { RW_PREPARE, RW_ATTEND, RW_COMMIT, RW_RELEASE, RW_ERRANDS } rw_errand;

typedef void (*rw_disk_work)(rw_request *r);
typedef void (*rw_disk_back)(void *owner, rw_request *r);

/* `work`: one for each errand. NULL without memory. Starts no thread yet. */
rw_disk *rw_disk_new (const rw_disk_work work[RW_ERRANDS], rw_disk_back back,
                      void *owner);

/*
** Hands a request over. Where no thread can be started and none runs, `back` is
** called at once, with an error set in it; none for a release, which is left to
** rw_request_free then.
*/
void rw_disk_give (rw_disk *d, rw_request *r, rw_errand errand);

/* Takes a request back that no thread has begun with; false: one has. */
bool rw_disk_take_back (rw_disk *d, rw_request *r, rw_errand errand);

/* The end of an errand: sets `stop` of what is begun, and waits for it. What was
** to be prepared or attended and is not begun comes back as it is. */
void rw_disk_end (rw_disk *d, rw_errand errand);

/* Waits until all that was given is done, but for what was to be prepared or
** attended and is not begun: that comes back as it is. Frees it. */
void rw_disk_free (rw_disk *d);

#pragma GCC visibility pop

#endif
