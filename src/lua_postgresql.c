/*
** lua_postgresql.c: the module "runway.postgresql": a store over PostgreSQL.
*/
#include "system.h"

#ifdef RUNWAY_POSTGRESQL   /* a host that compiles all of src/ may do without libpq */

#include <libpq-fe.h>

#include "lua_store.h"
#include "runway.h"


int luaopen_runway_postgresql (lua_State *L) {
  int version = PQlibVersion();          /* 150014: 15.14 */
  rw_check_lua(L);
  rw_push_store_module(L, &rw_store_postgresql);
  lua_pushfstring(L, "%d.%d", version / 10000, version % 10000);
  lua_setfield(L, -2, "version");
  return 1;
}

#endif
