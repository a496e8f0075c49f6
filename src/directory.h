/*
** directory.h: a directory that is there when it is needed.
*/
#ifndef RW_DIRECTORY_H
#define RW_DIRECTORY_H

#pragma GCC visibility push(hidden)

/* Makes a directory and those above it, where they are missing. Returns 0, or an
** errno value; ENOTDIR: something else stands there. */
int rw_directory_make (const char *path);

#pragma GCC visibility pop

#endif
