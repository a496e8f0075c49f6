/*
** data_uri.h: a data URI as people write it, read: in whatever case, with
** parameters, white space in it, without padding.
*/
#ifndef RW_DATA_URI_H
#define RW_DATA_URI_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* The longest media type that is taken for one. */
#define RW_DATA_URI_TYPE 100

/* Everything points into the text that was read. */
typedef struct rw_data_uri {
  const char *type;            /* as declared; may be empty */
  size_t type_len;
  const char *digits;          /* base64, maybe with white space and padding */
  size_t len;
  size_t count;                /* of them that are digits */
  bool tidy;                   /* nothing but digits, and padded */
} rw_data_uri;

/* Reads `n` bytes; NULL, or why they are no base64 data URI (a literal). */
const char *rw_data_uri_read (rw_data_uri *uri, const char *s, size_t n);

/* Decodes into `to` until `room` bytes are there, or all are; how many. */
size_t rw_data_uri_decode (const rw_data_uri *uri, char *to, size_t room);

/* Writes the digits, padded, without white space: rw_data_uri_tidied bytes. */
void rw_data_uri_tidy (const rw_data_uri *uri, char *to);
size_t rw_data_uri_tidied (const rw_data_uri *uri);

#pragma GCC visibility pop

#endif
