/*
** runway.c: the module as its user sees it.
**
** The names live in Lua rooms, each loaded when one of its names is first
** used, so that `require "runway"` costs next to nothing.
*/
#include "system.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lua_compat.h"
#include "rooms.h"
#include "runway.h"


/* Where each public name lives; member NULL: the name is the room itself. */
static const struct {
  const char *name, *room, *member;
} runway_names[] = {
  {"all", "runway.jobs", "all"},
  {"batch", "runway.batch", "run"},
  {"client", "runway.client", "new"},
  {"events", "runway.scheduler", "events"},
  {"file", "runway.media", "file"},
  {"journal", "runway.journal", "open"},
  {"listener", "runway.callbacks", "listen"},
  {"mock", "runway.mock", "new"},
  {"null", "runway.json", "null"},
  {"pollfd", "runway.scheduler", "pollfd"},
  {"preload", "runway.client", "preload"},
  {"providers", "runway.providers", NULL},
  {"run", "runway.jobs", "run"},
  {"sleep", "runway.scheduler", "sleep"},
  {"spawn", "runway.scheduler", "spawn"},
  {"step", "runway.scheduler", "step"},
  {"timeout", "runway.scheduler", "timeout"},
  {"work", "runway.work", "run"},
};


/* What the rooms use of Lua's own libraries: of each a name, what it is known by when
** it is loaded, and its opener. */
static const struct {
  const char *name, *loaded, *library;
} runway_needs[] = {
  {"assert", "_G", "base"},            {"require", "package", "package"},
  {"string", "string", "string"},     {"table", "table", "table"},
  {"math", "math", "math"},           {"coroutine", "coroutine", "coroutine"},
};


/* Looked at before the first room is loaded, and not with the module: a host may open
** its libraries in any order. */
static void check_libraries (lua_State *L) {
  for (size_t i = 0; i < sizeof runway_needs / sizeof *runway_needs; i++) {
    const char *library = runway_needs[i].library;
    if (lua_getglobal(L, runway_needs[i].name) == LUA_TNIL)
      luaL_error(L, "runway needs Lua's %s library, which this host has not opened: "
                 "luaL_requiref(L, \"%s\", luaopen_%s, 1)", library, runway_needs[i].loaded, library);
    lua_pop(L, 1);
  }
}


/* Is the value at the top what `require` raises where there is no such file? */
static bool is_missing (lua_State *L, const char *room) {
  const char *said = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  size_t length = strlen(room);
  return strncmp(said, "module '", 8) == 0 && strncmp(said + 8, room, length) == 0 &&
         strncmp(said + 8 + length, "' not found", 11) == 0;
}


/* Pushes what `require` gives. Where this library was found and its Lua files are
** not, all the places where they were looked for say less than what is missing. */
static void push_room (lua_State *L, const char *room) {
  lua_getglobal(L, "require");
  lua_pushstring(L, room);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) return;
  if (is_missing(L, room))
    luaL_error(L, "runway's library is there, but not its Lua files (%s): LUA_PATH must lead to them, "
               "and where LUA_PATH_" LUA_VERSION_MAJOR "_" LUA_VERSION_MINOR
               " is set, that one does instead of it", room);
  (void)lua_error(L);
}


/*
** __index: loads the room of a name and keeps the value in the module. With a
** client comes all that its tasks may want: once something is paid for, there
** may be no descriptor left to load it with.
*/
static int runway_index (lua_State *L) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  for (size_t i = 0; i < sizeof runway_names / sizeof *runway_names; i++) {
    if (strcmp(key, runway_names[i].name) != 0) continue;
    check_libraries(L);
    if (strcmp(runway_names[i].room, "runway.client") == 0) push_room(L, "runway.jobs");
    push_room(L, runway_names[i].room);
    if (runway_names[i].member) lua_getfield(L, -1, runway_names[i].member);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);                    /* module[name] = value */
    return 1;
  }
  return 0;
}


/* package.preload[name] = open, so that a statically linked host has it too */
static void preload (lua_State *L, const char *name, lua_CFunction open) {
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
}


#if defined(RUNWAY_ROOMS)

/* The next piece of a room's source: `data` is where it stands. */
static const char *next_piece (lua_State *L, void *data, size_t *size) {
  const char *const **at = (const char *const **)data;
  const char *piece = **at;
  (void)L;
  if (!piece) return NULL;
  ++*at;
  *size = strlen(piece);
  return piece;
}


/* What `require` calls for a room: its upvalue is the number of it. */
static int load_room (lua_State *L) {
  const struct rw_room *room = &rw_rooms[lua_tointeger(L, lua_upvalueindex(1))];
  const char *const *at = room->pieces;
  if (lua_load(L, next_piece, (void *)&at, room->chunk, "t") != LUA_OK) return lua_error(L);
  lua_pushvalue(L, 1);
  lua_pushstring(L, room->chunk + 1);
  lua_call(L, 2, 1);
  return 1;
}


/* package.preload has all rooms that a host has not put there itself. */
static void preload_rooms (lua_State *L) {
  for (lua_Integer i = 0; rw_rooms[i].name; i++) {
    bool is_there = lua_getfield(L, -1, rw_rooms[i].name) != LUA_TNIL;
    lua_pop(L, 1);
    if (is_there) continue;
    lua_pushinteger(L, i);
    lua_pushcclosure(L, load_room, 1);
    lua_setfield(L, -2, rw_rooms[i].name);
  }
}

#else

static void preload_rooms (lua_State *L) { (void)L; }

#endif


int luaopen_runway (lua_State *L) {
  rw_check_lua(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  preload(L, "runway.core", luaopen_runway_core);
  preload(L, "runway.json", luaopen_runway_json);
  preload_rooms(L);
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushliteral(L, "runway " RUNWAY_VERSION);
  lua_setfield(L, -2, "_VERSION");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, runway_index);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}
