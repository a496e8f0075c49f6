/*
** resume.h: asking for the rest of a file, and whether an answer is that.
**
** What a server calls a file's very bytes goes with the bytes (see sink_note.h). The
** rest is asked for under the condition that they are still these, and from a little
** before the end of what is there: an answer goes on with it only if it says that it
** is the part that was asked for, of the same bytes and of as many, and if its
** beginning is what is there already. Whatever else comes is not put behind it.
*/
#ifndef RW_RESUME_H
#define RW_RESUME_H

#include "request.h"

#pragma GCC visibility push(hidden)

typedef enum {
  RW_NO_FILE,                  /* words, or nothing to be kept */
  RW_WHOLE,                    /* the file from its start */
  RW_REST,                     /* what was asked for */
  RW_OTHER                     /* not what was asked for: begin anew */
} rw_extent;

/* Adds what asks for the rest, if the sink has recalled what is there. False
** without memory. */
bool rw_resume_ask (rw_request *r);

/* What the body is, once the head is whole. Of RW_REST r->total is set. */
rw_extent rw_resume_judge (rw_request *r);

/* Does a 200 say that its body is a part? A range that no one can read says nothing. */
bool rw_resume_is_part (const rw_request *r);

/* What is to be known of a file that comes from its start, in order to go on with
** it one day. */
void rw_resume_note (const rw_request *r, rw_note *note);

#pragma GCC visibility pop

#endif
