/*
** file.h: a plain file, opened for reading, and how one is named in a message.
** Opening blocks on the disk.
*/
#ifndef RW_FILE_H
#define RW_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* A descriptor and the file's size; -1 with errno set: EINVAL for what is there
** but no plain file (a directory, a FIFO, a device). */
int rw_file_open (const char *path, int64_t *size);

/* The path as a message shows it, with `room` bytes for it: of one that is too
** long the middle goes, since its end tells most, and never half a character. */
void rw_file_show (const char *path, char *to, size_t room);

/* Room that leaves enough of an error's message for the reason. */
#define RW_SHOWN_PATH 200

/* Does this errno value say that no descriptor is left? That passes. */
bool rw_file_none_left (int err);

#pragma GCC visibility pop

#endif
