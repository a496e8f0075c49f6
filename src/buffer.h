/*
** buffer.h: a growing run of bytes, always followed by a NUL.
** {0} is an empty buffer. Appending returns false without memory and then
** leaves the buffer as it was.
*/
#ifndef RW_BUFFER_H
#define RW_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

typedef struct rw_buffer {
  char *data;                  /* NULL while empty */
  size_t len, cap;
} rw_buffer;

bool rw_buffer_reserve (rw_buffer *b, size_t more);
bool rw_buffer_append (rw_buffer *b, const void *data, size_t len);
/* As rw_buffer_append, and false too when more than `most` bytes would be held. */
bool rw_buffer_append_within (rw_buffer *b, const void *data, size_t len,
                              size_t most);
void rw_buffer_clear (rw_buffer *b);   /* empty; keeps its memory */
void rw_buffer_free (rw_buffer *b);    /* empty; releases its memory */

#pragma GCC visibility pop

#endif
