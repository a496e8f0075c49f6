/*
** lua_postgresql.c: the module "runway.postgresql": a store over PostgreSQL.
*/
#ifdef RUNWAY_POSTGRESQL   /* a host that compiles all of src/ may do without libpq */

#include "system.h"
#include "lua_store.h"
#include "runway.h"


int luaopen_runway_postgresql (lua_State *L) {
  rw_check_lua(L);
  rw_push_store_module(L, &rw_store_postgresql);
  return 1;
}

#endif
