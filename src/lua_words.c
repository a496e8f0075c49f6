/*
** lua_words.c: the last words of a process, for Lua.
*/
#include "last_words.h"
#include "lua_words.h"


/* A process may have several states: each has words of its own. */
static const void *state_of (lua_State *L) {
  return lua_topointer(L, LUA_REGISTRYINDEX);
}


/* leave_word(line) -> number | nil: said on standard error when the process ends */
static int core_leave_word (lua_State *L) {
  size_t n;
  const char *line = luaL_checklstring(L, 1, &n);
  int number = rw_words_leave(state_of(L), line, n);
  if (number < 0) return 0;
  lua_pushinteger(L, number);
  return 1;
}


/* take_back(number): that line is not said any more */
static int core_take_back (lua_State *L) {
  rw_words_take_back((int)luaL_checkinteger(L, 1));
  return 0;
}


/* say_words(): says and takes back the lines of this state, now */
static int core_say_words (lua_State *L) {
  rw_words_say(state_of(L));
  return 0;
}


/* guard_signals(): signals that end the process say these lines, too */
static int core_guard_signals (lua_State *L) {
  (void)L;
  rw_words_guard_signals();
  return 0;
}


static const luaL_Reg core_words[] = {
  {"guard_signals", core_guard_signals},
  {"leave_word", core_leave_word},
  {"say_words", core_say_words},
  {"take_back", core_take_back},
  {NULL, NULL}
};


void rw_add_words (lua_State *L) {
  luaL_setfuncs(L, core_words, 0);
}
