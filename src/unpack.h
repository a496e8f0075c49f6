/*
** unpack.h: an answer's bytes without what they are wrapped in.
**
** libcurl believes the label and throws away what does not fit it: a paid answer
** was lost to a "gzip" over plain bytes. Here the bytes decide, and are never
** lost: what cannot be unpacked stays as it came.
*/
#ifndef RW_UNPACK_H
#define RW_UNPACK_H

#include "buffer.h"

#pragma GCC visibility push(hidden)

/* Can all that libcurl decodes be decoded here? Else it is left to libcurl. */
bool rw_unpack_ready (void);

/* The header that offers them, where they can. */
const char *rw_unpack_offer (void);

/* Unpacks `body`, as the Content-Encoding in the header block `head` says and as
** its bytes say, but to no more than `most` bytes: false when it holds more, of
** which the beginning is kept. */
bool rw_unpack (rw_buffer *body, const char *head, size_t most);

/* How something packed begins: the first bytes of what is in it, `room` at most;
** 0 when it is not packed. */
size_t rw_unpack_start (const char *start, size_t n, char *to, size_t room);

#pragma GCC visibility pop

#endif
