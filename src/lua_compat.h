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

/*
** A module that was built for one Lua and is loaded by another is refused by the linker, in words
** for linkers, where a function is missing. So those that some Lua lacks may be missing, and each
** opener looks first.
*/
#if defined(__ELF__)
#pragma weak luaL_buffinitsize
#pragma weak luaL_checkversion_
#pragma weak luaL_getsubtable
#pragma weak luaL_len
#pragma weak luaL_pushresultsize
#pragma weak luaL_setfuncs
#pragma weak luaL_setmetatable
#pragma weak luaL_tolstring
#pragma weak lua_absindex
#pragma weak lua_callk
#pragma weak lua_copy
#pragma weak lua_getglobal
#pragma weak lua_isinteger
#pragma weak lua_pcallk
#pragma weak lua_rawgetp
#pragma weak lua_rawlen
#pragma weak lua_rawsetp
#pragma weak lua_rotate
#pragma weak lua_stringtonumber
#pragma weak lua_tointegerx
#pragma weak lua_tonumberx
#pragma weak lua_version
#if LUA_VERSION_NUM == 503
#pragma weak lua_getuservalue
#pragma weak lua_newuserdata
#pragma weak lua_setuservalue
#define RW_IS_OWN_LUA(L) (lua_rotate && lua_getuservalue)
#else
#pragma weak lua_getiuservalue
#pragma weak lua_newuserdatauv
#pragma weak lua_setiuservalue
#define RW_IS_OWN_LUA(L) (lua_newuserdatauv && lua_version(L) == LUA_VERSION_NUM)
#endif
#else
#define RW_IS_OWN_LUA(L) (luaL_checkversion(L), 1)
#endif

/* First in every opener; raises under another Lua than the one this was built for. */
#define rw_check_lua(L) \
  ((void)(RW_IS_OWN_LUA(L) || \
          luaL_error(L, "this runway was built for %s, and the Lua that loads it is another: use " \
                        "that one, or build it for this one if it is Lua 5.3, 5.4 or 5.5 (make " \
                        "LUA=its name)", LUA_VERSION)))

/*
** Raises as Lua itself does where memory is missing: without a place before the words, by which
** Lua code knows it (guard.lua), and without asking for more. They stand in every state already.
*/
#define rw_no_memory(L) lua_error((lua_pushliteral(L, "not enough memory"), (L)))

#endif
