/*
** utf8.h: what counts as UTF-8 (RFC 3629).
*/
#ifndef RW_UTF8_H
#define RW_UTF8_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/*
** Length of the sequence at `text`, of which `left` > 0 bytes are there; 0 if
** there is none: neither overlong forms nor halves of surrogate pairs nor
** anything above U+10FFFF count.
*/
size_t rw_utf8_length (const char *text, size_t left);

/* Writes the character `code` to `into`, 4 bytes at most; returns how many. */
size_t rw_utf8_encode (unsigned long code, char *into);

#pragma GCC visibility pop

#endif
