/*
** sink_place.h: the place where a file is to be, and how one that is whole gets
** there, whatever the file system can do. sink.h tells why.
**
** What returns an int returns 0, or an errno value; `*what`, where there is one,
** then names the step for the reader (a literal).
*/
#ifndef RW_SINK_PLACE_H
#define RW_SINK_PLACE_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

/* May a file be put there? */
int rw_place_look (const char *path, bool overwrite, const char **what);

/* Syncs a file to the disk; 0 also where that cannot be done. */
int rw_place_sync (int fd);

/* Has the file system taken all of it? The descriptor stays open. */
int rw_place_taken (int fd);

/* Gives the file at `part` the name `path`, without `overwrite` never over one
** that came meanwhile. */
int rw_place_put (const char *part, const char *path, bool overwrite,
                  const char **what);

/* Syncs the directory of what was put there, as far as that can be done. */
void rw_place_settle (const char *path);

#pragma GCC visibility pop

#endif
