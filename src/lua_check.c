/*
** lua_check.c: URLs, proxies and places for files, looked at for Lua.
*/
#include <string.h>
#include <unistd.h>

#include "lua_check.h"
#include "lua_request.h"
#include "proxy.h"
#include "request.h"
#include "sink.h"
#include "url.h"


const char *rw_check_path (lua_State *L, int arg, size_t *n) {
  const char *path = luaL_checklstring(L, arg, n);
  luaL_argcheck(L, strlen(path) == *n, arg, "the path holds a NUL byte");
  return path;
}


/* url(url) -> { scheme=, host=, port=, loopback= } | nil, message */
static int core_url (lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  rw_url url;
  const char *refused = rw_url_check(s, n, &url);
  if (refused) {
    lua_pushnil(L);
    lua_pushstring(L, refused);
    return 2;
  }
  lua_createtable(L, 0, 4);
  lua_pushstring(L, url.scheme);
  lua_setfield(L, -2, "scheme");
  lua_pushstring(L, url.host);
  lua_setfield(L, -2, "host");
  lua_pushstring(L, url.port);
  lua_setfield(L, -2, "port");
  lua_pushboolean(L, url.loopback);
  lua_setfield(L, -2, "loopback");
  return 1;
}


/* proxy(text) -> what may be shown of it | nil, why it cannot be a proxy */
static int core_proxy (lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  const char *why = strlen(text) == n ? rw_proxy_check(text)
                                      : "it holds a NUL byte";
  char name[300];
  if (why) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  rw_proxy_name(text, name, sizeof name);
  lua_pushstring(L, name);
  return 1;
}


/*
** target(path, overwrite) -> true | nil, message: could a download be put there?
** As the engine's `try` looks, but the caller waits for it.
*/
static int core_target (lua_State *L) {
  size_t n;
  const char *path = rw_check_path(L, 1, &n);
  rw_request *r;
  int err;
  r = rw_push_request(L);                /* its box releases the sink */
  r->sink.path = rw_copy(L, path, n);
  r->sink.overwrite = lua_toboolean(L, 2) != 0;
  err = rw_sink_open(&r->sink);
  if (err) {
    lua_pushnil(L);
    lua_pushfstring(L, "cannot %s: %s", r->sink.what, strerror(err));
    return 2;
  }
  rw_sink_abandon(&r->sink);
  lua_pushboolean(L, 1);
  return 1;
}


/* terminal() -> does standard error end on one? */
static int core_terminal (lua_State *L) {
  lua_pushboolean(L, isatty(STDERR_FILENO));
  return 1;
}


static const luaL_Reg core_checks[] = {
  {"proxy", core_proxy},
  {"target", core_target},
  {"terminal", core_terminal},
  {"url", core_url},
  {NULL, NULL}
};


void rw_add_checks (lua_State *L) {
  luaL_setfuncs(L, core_checks, 0);
}
