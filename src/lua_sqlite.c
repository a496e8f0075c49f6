/*
** lua_sqlite.c: the module "runway.sqlite": a store over SQLite.
*/
#include "system.h"

#ifdef RUNWAY_SQLITE   /* a host that compiles all of src/ may do without SQLite */

#include <sqlite3.h>

#include "lua_store.h"
#include "runway.h"


int luaopen_runway_sqlite (lua_State *L) {
  rw_check_lua(L);
  rw_push_store_module(L, &rw_store_sqlite);
  lua_pushstring(L, sqlite3_libversion());
  lua_setfield(L, -2, "version");
  return 1;
}

#endif
