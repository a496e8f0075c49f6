/*
** For clang-tidy and gcc's -fanalyzer only, included before each file: Lua's own headers do not say that these never
** come back, and an analyzer that does not know it follows paths that cannot be.
*/

#include "system.h"

#include <lua.h>
#include <lauxlib.h>

__attribute__((noreturn)) int (lua_error) (lua_State *L);
__attribute__((noreturn)) int (luaL_error) (lua_State *L, const char *fmt, ...);
__attribute__((noreturn)) int (luaL_argerror) (lua_State *L, int arg, const char *extramsg);
__attribute__((noreturn)) int (luaL_typeerror) (lua_State *L, int arg, const char *tname);
