/*
** lua_compat.h: Lua's headers, and what differs between the versions we build for.
**
** Included by every file that knows Lua, in place of lua.h and lauxlib.h. The code is written for
** 5.4. 5.3 gives a userdata one user value, which is all that we ask for.
*/
#ifndef RW_LUA_COMPAT_H
#define RW_LUA_COMPAT_H

#include <lua.h>
#include <lauxlib.h>

_Static_assert(LUA_VERSION_NUM >= 503 && LUA_VERSION_NUM <= 505,
               "runway needs the headers of Lua 5.3, 5.4 or 5.5");

#if LUA_VERSION_NUM == 503
#define lua_newuserdatauv(L, size, values) lua_newuserdata(L, size)
#define lua_getiuservalue(L, index, n) lua_getuservalue(L, index)
#define lua_setiuservalue(L, index, n) lua_setuservalue(L, index)
#endif

#endif
