/*
** lua_machine.h: what this machine is like, for Lua.
*/
#ifndef RW_LUA_MACHINE_H
#define RW_LUA_MACHINE_H

#include "lua_compat.h"

#pragma GCC visibility push(hidden)

/* Adds libcurl, space and way to the table on the top. */
void rw_add_machine (lua_State *L);

#pragma GCC visibility pop

#endif
