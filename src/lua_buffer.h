/*
** lua_buffer.h: a growing run of bytes that an error of Lua's cannot leak.
*/
#ifndef RW_LUA_BUFFER_H
#define RW_LUA_BUFFER_H

#include "buffer.h"
#include "lua_compat.h"

#pragma GCC visibility push(hidden)

/*
** [-0, +1] An empty buffer. The userdata pushed holds it: while that is on the
** stack the buffer lives, and when it is collected its bytes go. Whoever is
** done earlier calls rw_buffer_free.
*/
rw_buffer *rw_push_buffer (lua_State *L);

/* Appends, or raises without memory. */
void rw_add (lua_State *L, rw_buffer *b, const char *bytes, size_t len);
void rw_add_text (lua_State *L, rw_buffer *b, const char *text);

#pragma GCC visibility pop

#endif
