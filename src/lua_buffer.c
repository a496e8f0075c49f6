/*
** lua_buffer.c: a growing run of bytes that an error of Lua's cannot leak.
*/
#include "system.h"

#include <string.h>

#include "lua_buffer.h"

#define BUFFER_TYPE "runway.buffer"


static int buffer_gc (lua_State *L) {
  rw_buffer_free(luaL_checkudata(L, 1, BUFFER_TYPE));
  return 0;
}


rw_buffer *rw_push_buffer (lua_State *L) {
  rw_buffer *b = lua_newuserdatauv(L, sizeof *b, 0);
  *b = (rw_buffer){0};
  if (luaL_newmetatable(L, BUFFER_TYPE)) {
    lua_pushcfunction(L, buffer_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return b;
}


void rw_add (lua_State *L, rw_buffer *b, const char *bytes, size_t len) {
  if (!rw_buffer_append(b, bytes, len)) rw_no_memory(L);
}


void rw_add_text (lua_State *L, rw_buffer *b, const char *text) {
  rw_add(L, b, text, strlen(text));
}
