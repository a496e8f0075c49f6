/*
** lua_check.h: can it be used? What is answered at once, without the engine.
*/
#ifndef RW_LUA_CHECK_H
#define RW_LUA_CHECK_H

#include "lua_compat.h"

#pragma GCC visibility push(hidden)

/* The path at argument `arg` and its length; raises when it is none. */
const char *rw_check_path (lua_State *L, int arg, size_t *n);

/* Adds data_uri, executable, proxy, readable, target, terminal, url, words and
** working_directory to the table on the top. */
void rw_add_checks (lua_State *L);

#pragma GCC visibility pop

#endif
