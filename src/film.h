/*
** film.h: does a film end where it says that it ends?
*/
#ifndef RW_FILM_H
#define RW_FILM_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

/* How many bytes are missing at the end of a file of `size` bytes, by the boxes
** of an MP4 or QuickTime film; 0 where it is whole, or says nothing of it.
** Reads from a disk, and leaves the descriptor's place where it was. */
int64_t rw_film_lacks (int fd, int64_t size);

#pragma GCC visibility pop

#endif
