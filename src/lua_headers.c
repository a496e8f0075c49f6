/*
** lua_headers.c: headers that came in, as a Lua table.
*/
#include "system.h"
#include "header.h"
#include "lua_headers.h"


static void push_lower_name (lua_State *L, const char *name, size_t n) {
  char most[64];                                 /* are no longer */
  luaL_Buffer b;
  if (n <= sizeof most) {
    rw_header_lower(most, name, n);
    lua_pushlstring(L, most, n);
    return;
  }
  rw_header_lower(luaL_buffinitsize(L, &b, n), name, n);
  luaL_pushresultsize(&b, n);
}


bool rw_headers_add (lua_State *L, int t, const char *name, size_t name_length,
                     const char *value, size_t value_length) {
  int type;
  push_lower_name(L, name, name_length);
  lua_pushvalue(L, -1);
  type = lua_rawget(L, t);                       /* name, what there is */
  if (type == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushlstring(L, value, value_length);
    lua_rawset(L, t);
    return false;
  }
  if (type == LUA_TSTRING) {
    lua_createtable(L, 2, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);                       /* name, list */
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, t);
  }
  lua_pushlstring(L, value, value_length);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 2);
  return true;
}


/* Replaces the list on top by its items in one string. */
static void join_list (lua_State *L) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  int list = lua_gettop(L);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (lua_Integer i = 1; i <= n; i++) {
    if (i > 1) luaL_addlstring(&b, ", ", 2);
    lua_rawgeti(L, list, i);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  lua_replace(L, list);
}


void rw_headers_join (lua_State *L, int t) {
  for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
    if (!lua_istable(L, -1)) continue;
    join_list(L);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, t);                            /* an existing field: allowed here */
  }
}
