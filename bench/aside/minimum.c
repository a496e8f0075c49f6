/*
** minimum.c: the least that a module over libcurl does before its first request, for Lua.
*/
#include <curl/curl.h>
#include <lauxlib.h>
#include <lua.h>

int luaopen_minimum (lua_State *L);

int luaopen_minimum (lua_State *L) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return luaL_error(L, "libcurl");
  lua_pushboolean(L, curl_easy_init() != NULL);
  return 1;
}
