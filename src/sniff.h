/*
** sniff.h: what the first bytes of a file say that it is. Names and labels are
** not asked: people rename files, and servers call everything video/mp4.
*/
#ifndef RW_SNIFF_H
#define RW_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* As much of a file as the calls below can make use of. */
#define RW_SNIFF 4096

/* The media type of a picture, film or sound (a literal), or NULL. */
const char *rw_sniff_media (const char *head, size_t n);

/* The same for what no text can begin like: a part of rw_sniff_media. */
const char *rw_sniff_signature (const char *head, size_t n);

/* The same for a film that begins with a box: its length, its name. */
const char *rw_sniff_boxes (const char *head, size_t n);

/* Does a GIF, WebP, PNG, AVIF or HEIC move, as far as its beginning tells? */
bool rw_sniff_moves (const char *head, size_t n);

/* "JSON", "XML", "an HTML page" or "text" for what people or programs can read,
** else NULL: media, an archive, or bytes that say nothing. */
const char *rw_sniff_text (const char *head, size_t n);

/* Are all of its bytes characters, words or not? */
bool rw_sniff_is_readable (const char *head, size_t n);

/* The first line that says anything, printable, cut to `room`. */
void rw_sniff_line (const char *head, size_t n, char *to, size_t room);

#pragma GCC visibility pop

#endif
