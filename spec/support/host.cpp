// host.cpp: a program in C++ that embeds Lua and links runway in, for runway_spec.lua.
//
//   host SCRIPT [ARG...]
//
// Exit code 0 when the script ran to its end.
#include <cstdio>

#include <lua.hpp>

#include "runway.h"

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "runway", luaopen_runway, 0);
  bool failed = luaL_loadfile(L, argv[1]) != LUA_OK;
  if (!failed) {
    for (int i = 2; i < argc; i++) lua_pushstring(L, argv[i]);
    failed = lua_pcall(L, argc - 2, 0, 0) != LUA_OK;
  }
  if (failed) std::fprintf(stderr, "%s\n", luaL_tolstring(L, -1, nullptr));
  lua_close(L);
  return failed;
}
