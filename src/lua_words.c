/*
** lua_words.c: the last words of a process, for Lua. Each state has lines of
** its own: those of another, which goes on, are not said when it closes.
*/
#include "system.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "last_words.h"
#include "lua_words.h"
#include "term.h"


/* Whose the lines are: a userdata that ends with the state. */
static const void *whose (lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}


static int words_gc (lua_State *L) {
  rw_words_end(lua_touserdata(L, 1));
  return 0;
}


/* leave_word(part, ...) -> number | nil: a line, said on standard error when the process or the state ends.
** Its parts are put together here: most lines are taken back, and were a text of Lua's for nothing. */
static int core_leave_word (lua_State *L) {
  char line[RW_LAST_WORD + 1];           /* one byte more tells that it is too long */
  size_t n = 0;
  int number;
  for (int i = 1; i == 1 || i <= lua_gettop(L); i++) {
    size_t size, room = sizeof line - n;
    const char *part = luaL_checklstring(L, i, &size);
    if (size > room) size = room;
    memcpy(line + n, part, size);
    n += size;
  }
  number = rw_words_leave(whose(L), line, n);
  if (number < 0) return 0;
  lua_pushinteger(L, number);
  return 1;
}


/* take_back(number): that line is not said any more */
static int core_take_back (lua_State *L) {
  rw_words_take_back(whose(L), (int)luaL_checkinteger(L, 1));
  return 0;
}


/* say_words(): says all lines of this state, now, and not again */
static int core_say_words (lua_State *L) {
  rw_words_say(whose(L));
  return 0;
}


/* say(text): on standard error, now; for a host without Lua's io library */
static int core_say (lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  while (n > 0) {
    ssize_t said = write(STDERR_FILENO, text, n);
    if (said < 0 && errno != EINTR) break;
    if (said < 0) continue;
    text += said;
    n -= (size_t)said;
  }
  return 0;
}


/* guard_signals(): signals that end the process say these lines, too */
static int core_guard_signals (lua_State *L) {
  (void)L;
  rw_words_guard_signals();
  return 0;
}


/* catch_term(): from now on SIGTERM is told by term_came */
static int core_catch_term (lua_State *L) {
  (void)L;
  rw_term_catch();
  return 0;
}


static int core_term_came (lua_State *L) {
  lua_pushboolean(L, rw_term_came());
  return 1;
}


static const luaL_Reg core_words[] = {
  {"catch_term", core_catch_term},
  {"guard_signals", core_guard_signals},
  {"leave_word", core_leave_word},
  {"say", core_say},
  {"say_words", core_say_words},
  {"take_back", core_take_back},
  {"term_came", core_term_came},
  {NULL, NULL}
};


void rw_add_words (lua_State *L) {
  (void)lua_newuserdatauv(L, 1, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, words_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  luaL_setfuncs(L, core_words, 1);
}
