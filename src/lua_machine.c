/*
** lua_machine.c: what this machine is like, for who looks why something does not
** work: its libraries, its room, and the way that a request would take.
*/
#include "system.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include <curl/curl.h>

#include "lua_machine.h"
#include "lua_request.h"
#include "proxy.h"
#include "url.h"


/* libcurl() -> its version, that of its TLS ("OpenSSL/3.0.17"; nil: it has none) */
static int core_libcurl (lua_State *L) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  lua_pushstring(L, info->version);
  lua_pushstring(L, info->ssl_version);
  return 2;
}


/* space(path) -> bytes that this user may still write there | nil, why */
static int core_space (lua_State *L) {
  struct statvfs there;
  if (statvfs(luaL_checkstring(L, 1), &there) != 0) {
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
  }
  lua_pushnumber(L, (lua_Number)there.f_bavail * (lua_Number)there.f_frsize);
  return 1;
}


/*
** way(url [, proxy]) -> what may be shown of the proxy through which a request
** would go, the variable that names it ("proxy": it was given) | false: through
** none | nil, why the URL or the proxy can be none
*/
static int core_way (lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n), *from, *proxy;
  rw_url url;
  const char *why = rw_url_check(s, n, &url);
  char name[300];
  if (!why) {
    proxy = rw_proxy_towards(&url, luaL_optstring(L, 2, NULL), &from);
    if (!proxy) {
      lua_pushboolean(L, 0);
      return 1;
    }
    why = rw_proxy_check(proxy);
    if (!why) {
      rw_proxy_name(proxy, name, sizeof name);
      lua_pushstring(L, name);
      lua_pushstring(L, from);
      return 2;
    }
    why = lua_pushfstring(L, "%s is set to what cannot be a proxy: %s", from, why);
  }
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}


static const luaL_Reg core_machine[] = {
  {"libcurl", core_libcurl},
  {"space", core_space},
  {"way", core_way},
  {NULL, NULL}
};


void rw_add_machine (lua_State *L) {
  luaL_setfuncs(L, core_machine, 0);
}
