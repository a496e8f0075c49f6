/*
** lua_headers.h: headers that came in, as a Lua table: by their names in lower
** case, repeated ones joined with ", ".
*/
#ifndef RW_LUA_HEADERS_H
#define RW_LUA_HEADERS_H

#include <stdbool.h>

#include "lua_compat.h"

#pragma GCC visibility push(hidden)

/* Adds a header to the table at index `t`. True when its name was there already:
** until rw_headers_join that has the list of its values, for joining them one by
** one would copy them all each time. */
bool rw_headers_add (lua_State *L, int t, const char *name, size_t name_length,
                     const char *value, size_t value_length);

/* Once, after the last, when there was such a name. */
void rw_headers_join (lua_State *L, int t);

#pragma GCC visibility pop

#endif
