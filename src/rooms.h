/*
** rooms.h: all of lua/, where it is compiled in (RUNWAY_ROOMS, by `make static`).
**
** The table is written by tools/static.lua; a module that finds its Lua files by
** package.path has none.
*/
#ifndef RW_ROOMS_H
#define RW_ROOMS_H

struct rw_room {
  const char *name;            /* as `require` knows it; NULL behind the last */
  const char *chunk;           /* its source's name, in messages and tracebacks */
  const char *const *pieces;   /* its source, NULL behind the last */
};

extern const struct rw_room rw_rooms[];

#endif
