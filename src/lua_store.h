/*
** lua_store.h: a store as Lua values, whatever its driver.
*/
#ifndef RW_LUA_STORE_H
#define RW_LUA_STORE_H

#include "lua_compat.h"
#include "store.h"

#pragma GCC visibility push(hidden)

/* [-0, +1] The module of a driver: { open = function }, see lua_store.c. */
void rw_push_store_module (lua_State *L, const rw_store_driver *driver);

#pragma GCC visibility pop

#endif
