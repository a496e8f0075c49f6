/*
** lua_request.h: requests on their way from Lua to the engine and back.
*/
#ifndef RW_LUA_REQUEST_H
#define RW_LUA_REQUEST_H

#include <lua.h>

#include "request.h"
#include "url.h"

#pragma GCC visibility push(hidden)

/* Owns a request while an error may be raised; NULL once it is given away. */
typedef struct rw_box {
  rw_request *r;
  rw_request *spare;           /* others, to be used again */
  unsigned spares;
} rw_box;

/* Pushes a box with a new request in it. */
rw_request *rw_push_request (lua_State *L);

/* Keeps the box on top, which has given its request away, for the next one; pops it. */
void rw_keep_box (lua_State *L);

/* Takes a request that has had its use. */
void rw_give_back (lua_State *L, rw_request *r);

/*
** Fills a request from the table at index `t` (see http.lua for its fields).
** NULL, or why it is refused (a literal); raises on a wrong type.
*/
const char *rw_read_request (lua_State *L, int t, rw_request *r);

/*
** The proxy that a request to this URL takes: the one that is given, or else the
** environment's, which is read now; NULL: none. `from` gets the name of where it
** stands. It may be none that can be one: see rw_proxy_check.
*/
const char *rw_proxy_towards (const rw_url *url, const char *given, const char **from);

/* A copy of `n` bytes and a NUL, from malloc; raises without memory. */
char *rw_copy (lua_State *L, const void *from, size_t n);

#pragma GCC visibility pop

#endif
