/*
** lua_words.h: the last words of a process (last_words.h), for Lua.
*/
#ifndef RW_LUA_WORDS_H
#define RW_LUA_WORDS_H

#include "lua_compat.h"

#pragma GCC visibility push(hidden)

/* Adds leave_word, take_back, say_words and guard_signals to the table on the top. */
void rw_add_words (lua_State *L);

#pragma GCC visibility pop

#endif
