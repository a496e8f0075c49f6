/*
** runway.h: what a host program includes to link runway statically.
**
** luaL_requiref(L, "runway", luaopen_runway, 0) makes `require "runway"` work
** without a shared library. In librunway.a and runway_all.c (`make static`) the
** Lua files are compiled in; where the files of src/ alone are, package.path must
** lead to them. A host needs nothing else from here: the thread that does the I/O
** is started by the first request and ended by lua_close. How to compile and link
** is in docs/embedding.md.
*/
#ifndef RUNWAY_H
#define RUNWAY_H

#define RUNWAY_VERSION "0.1.0"

/* All else in this library is hidden, whatever flags it is built with. Names that its
** files share begin with rw_: a host that links it statically must use none such. */
#if defined(__GNUC__)
#define RUNWAY_API extern __attribute__((visibility("default")))
#else
#define RUNWAY_API extern
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Not <lua.h>: in C++ it is the host's to say how Lua was compiled. */
struct lua_State;

/* Leaves the module table on the stack; sets no global, does no work. */
RUNWAY_API int luaopen_runway (struct lua_State *L);

/* The two parts below it that are written in C; luaopen_runway makes them
** known to `require`. */
RUNWAY_API int luaopen_runway_core (struct lua_State *L);
RUNWAY_API int luaopen_runway_json (struct lua_State *L);

/* What needs a library of its own: "runway.listener", HTTP in, libmicrohttpd;
** "runway.sqlite" and "runway.postgresql", what runway.store stands on, SQLite
** and libpq. They are there where RUNWAY_LISTENER, RUNWAY_SQLITE or
** RUNWAY_POSTGRESQL is defined for all of src/, and a host that links one in
** registers it itself. */
RUNWAY_API int luaopen_runway_listener (struct lua_State *L);
RUNWAY_API int luaopen_runway_sqlite (struct lua_State *L);
RUNWAY_API int luaopen_runway_postgresql (struct lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
