/*
** lua_json.c: JSON that loses nothing a provider or a user may care about ("runway.json").
**
**   decode(text) -> value | nil, message    (the message names the byte, counted from 1)
**     To the letter of RFC 8259, in UTF-8 by RFC 3629: for what people write.
**     Integers stay integers; beyond +-2^53, where other JSON readers round, the digits come as a
**     string, as sent. Other numbers are finite floats. A null field is absent; null in an array,
**     or alone, is json.null. Arrays keep being arrays. Of two fields of one name the last wins.
**   read(text [, pause]) -> value | nil, message
**     The same for what servers send, which may have cost money: what is broken is passed over
**     where the rest can still be told. A byte order mark in front and NULs behind are ignored.
**     Bytes that are not UTF-8 and halves of surrogate pairs become U+FFFD each. Control characters
**     in a string, and a backslash that begins no escape, stand for themselves. NaN, infinities, and
**     numbers too large for a float are null. Of one text 65,536 values are kept.
**     pause() is called after every 32 KiB of the text, and may yield: reading then goes on.
**   encode(value) -> string | segments | nil, message    (the message names the path, a.b[2])
**     Tables are read raw. Fields go out sorted by bytes. 5.0 goes out as 5, other floats with the
**     fewest digits that read back the same. Only arrays (below) and non-empty sequences become
**     [...]. With a runway.file inside, the result is a list { text, file, text, ... }: the texts
**     hold the quotes, the file's data URI belongs between them.
**   array([t]) -> t        marks t (or a new table) as an array, so that even empty it is [].
**   is_array(v) -> boolean     would encode write v as [...]?
**   null                   the same value as cjson.null.
**
** lua-cjson is loaded for its null alone. It would turn 9007199254740993 into a float, accept 0x10
** and broken UTF-8, make [] and {} the same empty table, write 14 digits and "\/", and where memory
** fails it ends the process: a paid answer must not be read by it.
*/
#include "system.h"

#include <string.h>

#include "lua_json.h"
#include "runway.h"

#define ARRAY_TYPE "runway.array"
#define ARRAY_METATABLE lua_upvalueindex(1)

_Static_assert(sizeof(lua_Integer) == 8 && sizeof(lua_Number) == 8, "64-bit Lua numbers needed");


/*
** {=================================================================
** Arrays
** ==================================================================
*/

void rw_json_mark_array (lua_State *L) {
  lua_pushvalue(L, ARRAY_METATABLE);
  lua_setmetatable(L, -2);
}


static bool is_marked_array (lua_State *L, int t) {
  bool is;
  if (!lua_getmetatable(L, t)) return false;
  is = lua_rawequal(L, -1, ARRAY_METATABLE);
  lua_pop(L, 1);
  return is;
}


const char *rw_json_shape (lua_State *L, int t, lua_Integer *count, bool *is_list) {
  lua_Integer names = 0, items = 0, last = 0;
  *is_list = is_marked_array(L, t);
  for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING) {
      names++;
    } else if (lua_isinteger(L, -2)) {
      lua_Integer index = lua_tointeger(L, -2);
      items++;
      if (index < 1 || index > last) last = index < 1 ? LUA_MAXINTEGER : index;
    } else {
      lua_pop(L, 2);
      return "field names must be strings";
    }
  }
  if (names > 0 && (items > 0 || *is_list)) return "a list cannot have named fields";
  if (last != items) return "a list must be numbered from 1, without holes";
  *is_list = *is_list || items > 0;
  *count = names + items;
  return NULL;
}


static int json_array (lua_State *L) {
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_newtable(L);
    lua_replace(L, 1);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argcheck(L, is_marked_array(L, 1) || !lua_getmetatable(L, 1), 1,
                "has a metatable of its own");
  rw_json_mark_array(L);
  return 1;
}


static int json_is_array (lua_State *L) {
  lua_Integer count;
  bool is_list = false;
  luaL_checkany(L, 1);
  if (lua_istable(L, 1))
    is_list = is_marked_array(L, 1) || (rw_json_shape(L, 1, &count, &is_list) == NULL && is_list);
  lua_pushboolean(L, is_list);
  return 1;
}

/* }================================================================= */


static const luaL_Reg json_functions[] = {
  {"array", json_array},
  {"decode", rw_json_decode},
  {"encode", rw_json_encode},
  {"is_array", json_is_array},
  {"read", rw_json_read},
  {NULL, NULL}
};


/* Pushes cjson.null. Why lua-cjson did not load is told whole, but for where it was looked for. */
static void push_null (lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson");
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    const char *cause = luaL_tolstring(L, -1, NULL), *places = strstr(cause, "\n\tno f");
    if (places) cause = lua_pushlstring(L, cause, (size_t)(places - cause));
    luaL_error(L, "runway needs lua-cjson (Debian: apt install lua-cjson; LuaRocks: luarocks "
                  "install lua-cjson), which did not load: %s", cause);
  }
  if (lua_istable(L, -1)) lua_getfield(L, -1, "null");
  if (!lua_islightuserdata(L, -1) || lua_touserdata(L, -1) != NULL)
    luaL_error(L, "runway needs lua-cjson 2.1.0 or later; the module 'cjson' found has no null");
}


int luaopen_runway_json (lua_State *L) {
  rw_check_lua(L);
  lua_settop(L, 0);
  luaL_newlibtable(L, json_functions);
  luaL_newmetatable(L, ARRAY_TYPE);
  luaL_setfuncs(L, json_functions, 1);
  push_null(L);
  lua_setfield(L, 1, "null");
  lua_settop(L, 1);
  return 1;
}
