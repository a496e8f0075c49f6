/*
** file.h: a plain file, opened for reading. Blocks on the disk.
*/
#ifndef RW_FILE_H
#define RW_FILE_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* A descriptor and the file's size; -1 with errno set: EINVAL for what is there
** but no plain file (a directory, a FIFO, a device). */
int rw_file_open (const char *path, int64_t *size);

/* Does this errno value say that no descriptor is left? That passes. */
bool rw_file_none_left (int err);

#pragma GCC visibility pop

#endif
