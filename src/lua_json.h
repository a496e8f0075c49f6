/*
** lua_json.h: the two directions of runway.json, and what both stand on.
*/
#ifndef RW_LUA_JSON_H
#define RW_LUA_JSON_H

#include <stdbool.h>

#include "lua_compat.h"

#pragma GCC visibility push(hidden)

/* Both ways alike, so that what was read can be written. Real bodies stay under 10. Each level
** costs a C frame where we write, and 128 of them fit in any thread's stack. */
#define RW_JSON_DEPTH 128

/* Beyond +-2^53 other JSON readers round. */
#define RW_JSON_EXACT ((lua_Integer)1 << 53)

/* The functions of the module; lua_json.c says what they do. */
int rw_json_decode (lua_State *L);
int rw_json_read (lua_State *L);
int rw_json_encode (lua_State *L);

/* For functions of the module alone: the metatable of arrays is their first upvalue. */
void rw_json_mark_array (lua_State *L);          /* the table on top; [-0, +0] */

/* Looks at the keys of the table at `t`: how many there are, and whether they make a list. NULL,
** or why they make neither a list nor an object. */
const char *rw_json_shape (lua_State *L, int t, lua_Integer *count, bool *is_list);

#pragma GCC visibility pop

#endif
