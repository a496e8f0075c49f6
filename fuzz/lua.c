/*
** lua.c: runs a target that is written in Lua. SCRIPT, given when this is compiled, is
** a chunk that returns a function; it gets the input, and raises when something does
** not hold. Each line that Lua runs counts as a place reached, so that the search is
** guided by Lua code as by C.
*/
#include "system.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "fuzz.h"
#include "runway.h"

#define PLACES 65536

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t places[PLACES];

static lua_State *L;

static void on_line (lua_State *state, lua_Debug *line) {
  unsigned place = 5381;
  if (!lua_getinfo(state, "S", line)) return;
  for (const char *c = line->short_src; *c; c++) place = place * 33 + (unsigned char)*c;
  place += (unsigned)line->currentline * 2654435761u;
  place = (place >> 8) % PLACES;
  if (places[place] < 255) places[place]++;
}

static int with_traceback (lua_State *state) {
  luaL_traceback(state, state, luaL_tolstring(state, 1, NULL), 1);
  return 1;
}

/* The function on top, with its arguments above it, must not raise. */
static void call (int arguments, int results) {
  if (lua_pcall(L, arguments, results, 1) == LUA_OK) return;
  fprintf(stderr, "%s: %s\n", SCRIPT, lua_tostring(L, -1));
  abort();
}

static void begin (void) {
  L = luaL_newstate();
  must(L);
  luaL_openlibs(L);
  luaL_requiref(L, "runway", luaopen_runway, 0);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_runway_listener);
  lua_setfield(L, -2, "runway.listener");
  lua_settop(L, 0);
  lua_pushcfunction(L, with_traceback);
  if (luaL_loadfile(L, SCRIPT) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  call(0, 1);
  lua_sethook(L, on_line, LUA_MASKLINE, 0);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  if (!L) begin();
  lua_pushvalue(L, 2);
  lua_pushlstring(L, (const char *)data, size);
  call(1, 0);
  lua_settop(L, 2);
  return 0;
}
