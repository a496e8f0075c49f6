/*
** lua_core.c: the engine as Lua functions ("runway.core").
**
** Only transport.lua and the clock and scheduler above it use it for I/O. The engine of a
** Lua state is a userdata in its registry, started by the first request and
** closed by its __gc. Its user value is the table of live requests,
** id -> light userdata; the engine owns what they point to.
*/
#include "system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "directory.h"
#include "engine.h"
#include "lua_check.h"
#include "lua_compat.h"
#include "lua_machine.h"
#include "lua_marks.h"
#include "lua_request.h"
#include "lua_result.h"
#include "lua_words.h"
#include "request.h"
#include "runway.h"
#include "stats.h"

#define ENGINE_TYPE "runway.engine"

typedef struct lua_engine {
  rw_engine *engine;           /* NULL: not started, or closed */
  lua_Integer last_id;
  bool collected;              /* the state is closing: start no other */
} lua_engine;

static const char engine_key = 0;

static const char *const core_forked =
  "this process was forked after runway had started; only the parent can use "
  "it: fork first, then require \"runway\"";


/*
** {=================================================================
** The engine of a state
** ==================================================================
*/

static int engine_close (lua_State *L) {
  lua_engine *le = luaL_checkudata(L, 1, ENGINE_TYPE);
  rw_engine *e = le->engine;
  le->engine = NULL;
  le->collected = true;
  if (e) rw_engine_close(e);
  return 0;
}


/* Pushes the userdata of this state's engine, made closed on first use. */
static lua_engine *push_engine (lua_State *L) {
  lua_engine *le;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &engine_key) == LUA_TUSERDATA)
    return lua_touserdata(L, -1);
  lua_pop(L, 1);
  le = lua_newuserdatauv(L, sizeof *le, 1);
  le->engine = NULL;
  le->last_id = 0;
  le->collected = false;
  luaL_setmetatable(L, ENGINE_TYPE);
  lua_newtable(L);                       /* live requests */
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &engine_key);
  return le;
}


/* The environment is read here, on the caller's thread. */
static bool wants_trace (void) {
  const char *value = getenv("RUNWAY_TRACE");
  return value && *value && strcmp(value, "0") != 0;
}


/* Pushes the engine's userdata and sees to it that the thread runs; NULL, or why
** it cannot. */
static const char *push_started (lua_State *L, lua_engine **le) {
  const char *why = "the Lua state is closing";
  *le = push_engine(L);
  if (!(*le)->engine && !(*le)->collected) (*le)->engine = rw_engine_new(wants_trace(), &why);
  if (!(*le)->engine) return why;
  return rw_engine_usable((*le)->engine) ? NULL : core_forked;
}


/* }================================================================= */


/*
** {=================================================================
** Functions of the module
** ==================================================================
*/

static int core_refuse (lua_State *L, const char *message, const char *kind) {
  lua_pushnil(L);
  lua_pushstring(L, message);
  lua_pushstring(L, kind);
  return 3;
}


/* The same for an engine that cannot be had, and the reason of push_started. */
static int refuse_engine (lua_State *L, const char *why) {
  return core_refuse(L, why, why == core_forked ? "config" : "limit");
}


/* Hands the request in the box at the top to the engine; pushes its id, or nil
** and why the engine cannot start. */
static int hand_over (lua_State *L, int waiting) {
  int box = lua_gettop(L);
  rw_box *b = lua_touserdata(L, box);
  lua_engine *le;
  lua_Integer id;
  const char *why = push_started(L, &le);
  if (why) return refuse_engine(L, why);
  id = ++le->last_id;
  lua_getiuservalue(L, -1, 1);
  lua_pushboolean(L, 0);
  lua_rawseti(L, -2, id);                /* may raise: its place, with no request in it yet */
  if (waiting) {                         /* waiting[id] = the value after it */
    lua_pushvalue(L, waiting + 1);
    lua_rawseti(L, waiting, id);         /* may raise; behind it no one waits in vain */
  }
  lua_pushlightuserdata(L, b->r);
  lua_rawseti(L, -2, id);                /* is there, so this cannot raise */
  b->r->id = id;
  rw_engine_start(le->engine, b->r);
  b->r = NULL;
  lua_pushvalue(L, box);
  rw_keep_box(L);
  lua_pushinteger(L, id);
  return 1;
}


/*
** start(request [, waiting, done]) -> id | nil, message, kind
** waiting[id] = done before anything is sent, so that no error or interrupt
** between the two leaves a result that no one waits for.
*/
static int core_start (lua_State *L) {
  const char *refused;
  rw_request *r;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 3);
  if (!lua_isnil(L, 2)) luaL_checktype(L, 2, LUA_TTABLE);
  r = rw_push_request(L);
  refused = rw_read_request(L, 1, r);
  if (refused) return core_refuse(L, refused, "invalid_request");
  lua_settop(L, 4);
  return hand_over(L, lua_isnil(L, 2) ? 0 : 2);
}


/* A request for no more than the path at argument 1. */
static rw_request *push_look (lua_State *L, rw_op op) {
  size_t n;
  const char *path = rw_check_path(L, 1, &n);
  rw_request *r = rw_push_request(L);
  r->op = op;
  *(op == RW_TARGET || op == RW_WRITE || op == RW_PLACE ? &r->sink.path : &r->file) = rw_copy(L, path, n);
  return r;
}


/* probe(path) -> id | nil, message, kind; the result holds size, type and class of the file,
** `animated` when it is a picture that moves, and of a picture whose header tells it width and
** height, as it is looked at, and how it lies (`turn`: EXIF's 1 to 8); of one that is "not_media"
** its size */
static int core_probe (lua_State *L) {
  (void)push_look(L, RW_PROBE);
  return hand_over(L, 0);
}


/* digest(path) -> id | nil, message, kind; the result holds size and sha256 of the file */
static int core_digest (lua_State *L) {
  (void)push_look(L, RW_DIGEST);
  return hand_over(L, 0);
}


/* read(path) -> id | nil, message, kind; the result holds the text of a small file */
static int core_read (lua_State *L) {
  (void)push_look(L, RW_READ);
  return hand_over(L, 0);
}


/*
** try(path, overwrite) -> id | nil, message, kind: could a download be put there?
** Looks as a download does, and leaves nothing behind; the result is {}, or
** holds the error a download would have.
*/
static int core_try (lua_State *L) {
  rw_request *r = push_look(L, RW_TARGET);
  r->sink.overwrite = lua_toboolean(L, 2) != 0;
  return hand_over(L, 0);
}


/* write(path, overwrite, text) -> id | nil, message, kind: a file that is there whole
** or not at all; the result is {}, or holds the error */
static int core_write (lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 3, &n);
  rw_request *r = push_look(L, RW_WRITE);
  r->sink.overwrite = lua_toboolean(L, 2) != 0;
  if (!rw_buffer_append(&r->upload, text, n)) return rw_no_memory(L);
  return hand_over(L, 0);
}


/* place(path, overwrite, whole) -> id | nil, message, kind: gives a file that is whole this
** name, when it is safe on the disk; the result is {}, or holds the error */
static int core_place (lua_State *L) {
  size_t n;
  const char *whole = rw_check_path(L, 3, &n);
  rw_request *r = push_look(L, RW_PLACE);
  r->sink.overwrite = lua_toboolean(L, 2) != 0;
  r->file = rw_copy(L, whole, n);
  return hand_over(L, 0);
}


/*
** program({ path, argument, … }, seconds) -> id | nil, message, kind: another program,
** run beside the loop; the result holds its exit code and the end of what it said, as
** code, stdout and stderr, or the error
*/
static int core_program (lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 2);
  rw_request *r;
  size_t count, length;
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argcheck(L, seconds >= 0 && seconds <= 1e6, 2, "seconds expected");
  count = lua_rawlen(L, 1);
  luaL_argcheck(L, count > 0, 1, "a path expected");
  lua_settop(L, 1);
  r = rw_push_request(L);
  r->op = RW_PROGRAM;
  r->timeout_ms = (long)ceil(seconds * 1000);
  r->argv = calloc(count + 1, sizeof *r->argv);
  if (!r->argv) return rw_no_memory(L);
  for (size_t i = 0; i < count; i++) {
    const char *word = lua_rawgeti(L, 1, (lua_Integer)i + 1) == LUA_TSTRING
                         ? lua_tolstring(L, -1, &length) : NULL;
    luaL_argcheck(L, word && strlen(word) == length, 1, "strings without NUL expected");
    r->argv[i] = rw_copy(L, word, length);
    lua_pop(L, 1);
  }
  return hand_over(L, 0);
}


/* The live request with the id at `arg`, or NULL. Pops what it pushes. */
static rw_request *live_request (lua_State *L, lua_engine **le, int arg) {
  lua_Integer id = luaL_checkinteger(L, arg);
  rw_request *r = NULL;
  *le = push_engine(L);
  if ((*le)->engine && rw_engine_usable((*le)->engine)) {
    lua_getiuservalue(L, -1, 1);
    lua_rawgeti(L, -1, id);
    r = lua_touserdata(L, -1);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return r;
}


/* cancel(id): its result still comes, with an error of kind "cancelled" */
static int core_cancel (lua_State *L) {
  lua_engine *le;
  rw_request *r = live_request(L, &le, 1);
  if (r) rw_engine_cancel(le->engine, r, false);
  return 0;
}


/* drop(id): the same, but only if the request has not left yet */
static int core_drop (lua_State *L) {
  lua_engine *le;
  rw_request *r = live_request(L, &le, 1);
  if (r) rw_engine_cancel(le->engine, r, true);
  return 0;
}


/* progress(id) -> bytes received, bytes in all (nil: not known) */
static int core_progress (lua_State *L) {
  lua_engine *le;
  rw_request *r = live_request(L, &le, 1);
  int64_t expected = r ? atomic_load(&r->expected) : -1;
  lua_pushinteger(L, r ? (lua_Integer)atomic_load(&r->received) : 0);
  if (expected > 0) lua_pushinteger(L, (lua_Integer)expected);
  else lua_pushnil(L);
  return 2;
}


/*
** take([inbox]) -> id, result; nothing when no request is finished. With a
** table, inbox.id and inbox.result are set instead, and true is returned. All
** or nothing: what raises on the way (no memory) leaves the request finished,
** to be taken by the next call.
*/
static int core_take (lua_State *L) {
  lua_engine *le = (lua_settop(L, 1), push_engine(L));
  rw_request *r = NULL;
  if (!lua_isnil(L, 1)) luaL_checktype(L, 1, LUA_TTABLE);
  if (le->engine && rw_engine_usable(le->engine)) r = rw_engine_done(le->engine);
  if (!r) return 0;
  lua_getiuservalue(L, 2, 1);            /* live requests */
  lua_pushinteger(L, r->id);
  rw_push_result(L, r);
  if (lua_istable(L, 1)) {
    lua_pushvalue(L, -2);
    lua_setfield(L, 1, "id");
    lua_setfield(L, 1, "result");        /* from here on Lua has it */
    lua_pushboolean(L, 1);
  }
  lua_pushnil(L);
  lua_rawseti(L, 3, r->id);              /* is there, so this cannot raise */
  rw_give_back(L, rw_engine_take(le->engine));
  return lua_istable(L, 1) ? 1 : 2;
}


/*
** A signal's handler raises its interrupt through a hook on the main thread (as
** lua.c does), where no other coroutine meets it: who waits here has it now.
** Whether there was one.
*/
static bool take_interrupt (lua_State *L) {
  const int all = LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT;
  lua_State *main;
  lua_Hook hook;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  main = lua_tothread(L, -1);
  lua_pop(L, 1);
  hook = main ? lua_gethook(main) : NULL;
  if (main == L || !hook || (lua_gethookmask(main) & all) != all || lua_gethookcount(main) != 1)
    return false;
  lua_sethook(main, NULL, 0, 0);
  lua_sethook(L, hook, all, 1);          /* raises when we return */
  return true;
}


/*
** wait([seconds]) -> is there something to take (or to drain elsewhere)?
** In a child of fork it only passes the time, so that timers still fire.
*/
static int core_wait (lua_State *L) {
  lua_Number seconds = luaL_optnumber(L, 1, -1);
  lua_engine *le;
  bool runs = push_started(L, &le) == NULL;
  if (take_interrupt(L)) return 0;
  if (!runs) rw_pause(seconds);
  lua_pushboolean(L, runs && rw_engine_wait(le->engine, seconds));
  (void)take_interrupt(L);
  return 1;
}


static int core_pending (lua_State *L) {
  lua_engine *le = push_engine(L);
  bool usable = le->engine && rw_engine_usable(le->engine);
  lua_pushinteger(L, usable ? (lua_Integer)rw_engine_pending(le->engine) : 0);
  return 1;
}


/* stats() -> the engine's counters by name; all 0 while none runs (see stats.h) */
static int core_stats (lua_State *L) {
  lua_engine *le = push_engine(L);
  bool usable = le->engine && rw_engine_usable(le->engine);
  rw_stats none = {0}, *stats = usable ? rw_engine_stats(le->engine) : &none;
  lua_newtable(L);
#define PUSH_COUNT(name) \
  lua_pushinteger(L, (lua_Integer)atomic_load(&stats->name)); \
  lua_setfield(L, -2, #name);
  RW_STATS(PUSH_COUNT)
#undef PUSH_COUNT
  return 1;
}


/* fd() -> a descriptor that is readable when there is something to take
** | nil, message, kind when the engine cannot start */
static int core_fd (lua_State *L) {
  lua_engine *le;
  const char *why = push_started(L, &le);
  if (why) return refuse_engine(L, why);
  lua_pushinteger(L, rw_engine_wake(le->engine)->out);
  return 1;
}


/* notify_fd() -> one that makes it so when written to, or as `fd` */
static int core_notify_fd (lua_State *L) {
  lua_engine *le;
  const char *why = push_started(L, &le);
  if (why) return refuse_engine(L, why);
  lua_pushinteger(L, rw_engine_wake(le->engine)->in);
  return 1;
}


/* ring(): makes `fd` readable, where there is an engine, until the next wait */
static int core_ring (lua_State *L) {
  lua_engine *le = push_engine(L);
  if (le->engine && rw_engine_usable(le->engine)) rw_wake_ring(rw_engine_wake(le->engine)->in);
  return 0;
}


/* close(): ends the engine; the next request starts another */
static int core_close (lua_State *L) {
  lua_engine *le = push_engine(L);
  rw_engine *e = le->engine;
  le->engine = NULL;
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  if (e) rw_engine_close(e);
  return 0;
}


static int core_now (lua_State *L) {
  lua_pushnumber(L, rw_now());
  return 1;
}


/* make_directory(path) -> true | nil, why: with those above it */
static int core_make_directory (lua_State *L) {
  int error = rw_directory_make(luaL_checkstring(L, 1));
  lua_pushboolean(L, true);
  if (error == 0) return 1;
  lua_pushnil(L);
  lua_pushstring(L, strerror(error));
  return 2;
}


static const luaL_Reg core_functions[] = {
  {"cancel", core_cancel},
  {"close", core_close},
  {"digest", core_digest},
  {"drop", core_drop},
  {"fd", core_fd},
  {"make_directory", core_make_directory},
  {"notify_fd", core_notify_fd},
  {"now", core_now},
  {"pending", core_pending},
  {"place", core_place},
  {"probe", core_probe},
  {"program", core_program},
  {"progress", core_progress},
  {"read", core_read},
  {"ring", core_ring},
  {"start", core_start},
  {"stats", core_stats},
  {"take", core_take},
  {"try", core_try},
  {"wait", core_wait},
  {"write", core_write},
  {NULL, NULL}
};

/* }================================================================= */


int luaopen_runway_core (lua_State *L) {
  rw_check_lua(L);
  luaL_newmetatable(L, ENGINE_TYPE);
  lua_pushcfunction(L, engine_close);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, core_functions);
  rw_add_checks(L);
  rw_add_machine(L);
  rw_add_marks(L);
  rw_add_words(L);
  lua_pushliteral(L, RUNWAY_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
