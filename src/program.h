/*
** program.h: another program, from its start to its end. All of it blocks, and
** belongs on a thread of its own.
*/
#ifndef RW_PROGRAM_H
#define RW_PROGRAM_H

#include "request.h"

#pragma GCC visibility push(hidden)

/*
** Runs r->argv without a shell, in a process group of its own, its input empty.
** Into r->body and r->head goes the end of what it says on its standard output
** and error, into r->exit_code how it ended: as a shell says it, a signal as
** 128 and its number. After r->timeout_ms (0: never), and once r->stop is set,
** it is killed with all of its group. On failure r->error is set.
*/
void rw_program_run (rw_request *r);

#pragma GCC visibility pop

#endif
