/*
** lua_result.h: what came of a request, as a Lua table.
*/
#ifndef RW_LUA_RESULT_H
#define RW_LUA_RESULT_H

#include "lua_compat.h"
#include "request.h"

#pragma GCC visibility push(hidden)

/* Pushes the result of a finished request; copies all that it takes. */
void rw_push_result (lua_State *L, const rw_request *r);

#pragma GCC visibility pop

#endif
