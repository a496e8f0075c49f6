/*
** lua_marks.h: by what things are known again: sums, random words, the time of
** day. None of it needs an engine.
*/
#ifndef RW_LUA_MARKS_H
#define RW_LUA_MARKS_H

#include "lua_compat.h"

#pragma GCC visibility push(hidden)

/* Adds the functions to the table on top of the stack. */
void rw_add_marks (lua_State *L);

#pragma GCC visibility pop

#endif
