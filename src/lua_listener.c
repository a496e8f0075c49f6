/*
** lua_listener.c: HTTP in, as Lua values ("runway.listener").
**
**   listener.listen{ host=, port=, notify=, max_body_bytes= }
**     -> l | nil, message.  host is an IPv4 or IPv6 address (127.0.0.1), port
**     0 (the default) any free one, notify a descriptor that gets a byte for
**     each request (it is made non-blocking), max_body_bytes 1 MiB by default.
**   l:port()     -> integer; nil once closed
**   l:take()     -> { id=, method=, path=, query=, headers=, body= } | nil
**     path and query as sent (query "" if there is none), headers by their
**     lower-case names, repeated ones joined with ", ".
**   l:respond(id, { status=, headers=, body= | file=, fault=, chunk=, every= })
**     -> true | false if no such request waits (it does no harm) | nil, message
**     if the file cannot be read (the request still waits).  status is 200 by
**     default, headers map names to strings or numbers, file is a path.
**     fault: "drop" closes without a byte, "stall" never answers, "truncate"
**     announces the whole body and sends half, "slow" sends `chunk` (1) bytes
**     every `every` (1) seconds, "garbage" sends the body without any HTTP.
**   l:close()    also __gc and __close; as often as you like
**   listener.version   of libmicrohttpd
**
** Misuse raises. Nothing of Lua is used by any thread but the caller's.
*/
#include "system.h"

#ifdef RUNWAY_LISTENER   /* a host that compiles all of src/ may do without libmicrohttpd */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lua_compat.h"
#include "listener.h"
#include "lua_headers.h"
#include "runway.h"

#define LISTENER_TYPE "runway.listener"
#define ANSWER_TYPE "runway.listener.answer"

#define DEFAULT_BODY 1048576   /* a provider's callback is a few KiB */
#define MOST_BODY 1073741824   /* keeps sums of bodies far from overflow */
#define MOST_EVERY 3600        /* seconds between two chunks */

typedef struct listener_box {
  rw_listener *listener;       /* NULL: closed */
} listener_box;

typedef struct answer_box {
  rw_answer *answer;           /* NULL: given away */
} answer_box;


/*
** {=================================================================
** Fields of an options table at index t; each may be absent
** ==================================================================
*/

static void check_names (lua_State *L, int t, const char *const names[]) {
  luaL_checktype(L, t, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    const char *const *known = names;
    if (!name) luaL_error(L, "option names are strings, not a %s", luaL_typename(L, -2));
    while (*known && strcmp(*known, name) != 0) known++;
    if (!*known) luaL_error(L, "unknown option '%s'", name);
  }
}


static lua_Integer integer_field (lua_State *L, int t, const char *name, lua_Integer otherwise,
                                  lua_Integer least, lua_Integer most) {
  int isint;
  lua_Integer n = otherwise;
  if (lua_getfield(L, t, name) != LUA_TNIL) {
    n = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &isint) : (isint = 0);
    if (!isint || n < least || n > most)
      luaL_error(L, "option '%s' must be an integer from %I to %I", name, (LUAI_UACINT)least,
                 (LUAI_UACINT)most);
  }
  lua_pop(L, 1);
  return n;
}


/* Leaves the value on the stack, so that the string stays. */
static const char *string_field (lua_State *L, int t, const char *name, size_t *length) {
  int type = lua_getfield(L, t, name);
  if (length) *length = 0;
  if (type == LUA_TNIL) return NULL;
  if (type != LUA_TSTRING)
    luaL_error(L, "option '%s' must be a string, not a %s", name, luaL_typename(L, -1));
  if (!length && strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
    luaL_error(L, "option '%s' holds a NUL byte", name);
  return lua_tolstring(L, -1, length);
}

/* }================================================================= */


/*
** {=================================================================
** Answers
** ==================================================================
*/

static int answer_gc (lua_State *L) {
  answer_box *b = luaL_checkudata(L, 1, ANSWER_TYPE);
  rw_answer_free(b->answer);
  b->answer = NULL;
  return 0;
}


static rw_fault fault_field (lua_State *L, int t) {
  static const char *const names[] = {"drop", "stall", "truncate", "slow", "garbage", NULL};
  static const rw_fault faults[] = {RW_DROP, RW_STALL, RW_TRUNCATE, RW_SLOW, RW_GARBAGE};
  const char *name = string_field(L, t, "fault", NULL);
  if (!name) return RW_NONE;
  for (int i = 0; names[i]; i++)
    if (strcmp(names[i], name) == 0) return faults[i];
  luaL_error(L, "unknown fault '%s'", name);
  return RW_NONE;
}


static void read_options (lua_State *L, int t, rw_answer_options *o) {
  static const char *const names[] = {"status", "headers", "body", "file", "fault", "chunk",
                                      "every", NULL};
  lua_Number every = 1;
  check_names(L, t, names);
  o->status = (unsigned)integer_field(L, t, "status", 200, 200, 599);
  o->chunk = (size_t)integer_field(L, t, "chunk", 1, 1, MOST_BODY);
  if (lua_getfield(L, t, "every") != LUA_TNIL) {
    every = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    if (!(every > 0 && every <= MOST_EVERY))
      luaL_error(L, "option 'every' must be seconds, more than 0 and up to %d", MOST_EVERY);
  }
  o->every_ms = every < 0.001 ? 1 : (int64_t)(every * 1000);
  o->fault = fault_field(L, t);
  o->file = string_field(L, t, "file", NULL);
  o->body = string_field(L, t, "body", &o->body_length);
  if (o->file && o->body) luaL_error(L, "'body' and 'file' exclude each other");
  if (!o->body) o->body = "";
}


/* Copies the headers of the options at index t to the answer. */
static void add_headers (lua_State *L, int t, rw_answer *answer) {
  int type = lua_getfield(L, t, "headers");
  if (type == LUA_TNIL) return;
  if (type != LUA_TTABLE)
    luaL_error(L, "option 'headers' must be a table, not a %s", luaL_typename(L, -1));
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    size_t length;
    const char *value = lua_tolstring(L, -1, &length);   /* numbers turn to strings */
    if (!name) luaL_error(L, "header names are strings, not a %s", luaL_typename(L, -2));
    if (!value)
      luaL_error(L, "header '%s' must be a string or number, not a %s", name,
                 luaL_typename(L, -1));
    if (strlen(name) != lua_rawlen(L, -2) || strlen(value) != length ||
        !rw_answer_header(answer, name, value))
      luaL_error(L, "header '%s' cannot be sent: its name or value is not allowed, or the "
                    "listener sets it itself (Content-Length)", name);
  }
  lua_pop(L, 1);
}

/* }================================================================= */


/*
** {=================================================================
** Requests
** ==================================================================
*/

/* The string after this one, within a request's head; NULL at its end. */
static const char *after (const rw_incoming *r, const char *s) {
  s += strlen(s) + 1;
  return s < r->head + r->head_length ? s : NULL;
}


/* Pushes the table of headers, whose names and values start at `name`. */
static void push_incoming_headers (lua_State *L, const rw_incoming *r, const char *name) {
  lua_newtable(L);
  while (name) {
    const char *value = after(r, name);
    (void)rw_headers_add(L, lua_gettop(L), name, strlen(name), value, strlen(value));
    name = after(r, value);
  }
  rw_headers_join(L, lua_gettop(L));
}


static void push_request (lua_State *L, const rw_incoming *r) {
  const char *target = r->head, *method = after(r, target);
  size_t path = strcspn(target, "?");
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, (lua_Integer)r->id);
  lua_setfield(L, -2, "id");
  lua_pushstring(L, method);
  lua_setfield(L, -2, "method");
  lua_pushlstring(L, target, path);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, target[path] ? target + path + 1 : "");
  lua_setfield(L, -2, "query");
  push_incoming_headers(L, r, after(r, method));
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, r->body ? r->body : "", r->body_length);
  lua_setfield(L, -2, "body");
}

/* }================================================================= */


/*
** {=================================================================
** The listener
** ==================================================================
*/

/* luaL_testudata, which Lua 5.1 has not: that one is to be told more kindly. */
static listener_box *to_box (lua_State *L) {
  bool is = false;
  if (lua_touserdata(L, 1) && lua_getmetatable(L, 1)) {
    luaL_getmetatable(L, LISTENER_TYPE);
    is = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  return is ? lua_touserdata(L, 1) : NULL;
}


/* Raises at the line that called a method with a dot. */
static listener_box *check_box (lua_State *L) {
  listener_box *b = to_box(L);
  lua_Debug ar = {0};
  if (b) return b;
  if (lua_getstack(L, 0, &ar)) (void)lua_getinfo(L, "n", &ar);
  luaL_error(L, "a method of a listener was called without it: use listener:%s(...)",
             ar.name && strcmp(ar.name, "?") != 0 ? ar.name : "method");
  return NULL;
}


/* NULL when it is closed; raises in a child of the process that opened it. */
static rw_listener *check_listener (lua_State *L) {
  listener_box *b = check_box(L);
  if (b->listener && !rw_listener_usable(b->listener))
    luaL_error(L, "this process was forked after the listener was opened; only the parent can "
                  "use it");
  return b->listener;
}


static int l_port (lua_State *L) {
  rw_listener *l = check_listener(L);
  if (l) lua_pushinteger(L, rw_listener_port(l));
  else lua_pushnil(L);
  return 1;
}


static int l_take (lua_State *L) {
  rw_listener *l = check_listener(L);
  const rw_incoming *r = l ? rw_listener_first(l) : NULL;
  if (!r) {
    lua_pushnil(L);
    return 1;
  }
  push_request(L, r);          /* may raise: the request then stays in line */
  rw_listener_took(l);
  return 1;
}


static int l_respond (lua_State *L) {
  rw_listener *l = check_listener(L);
  lua_Integer id = luaL_checkinteger(L, 2);
  rw_answer_options options = {0};
  answer_box *b;
  lua_settop(L, 3);
  read_options(L, 3, &options);
  b = lua_newuserdatauv(L, sizeof *b, 0);
  b->answer = NULL;
  luaL_setmetatable(L, ANSWER_TYPE);
  b->answer = rw_answer_new(&options);
  if (!b->answer && options.file) {
    lua_pushnil(L);
    lua_pushfstring(L, "cannot read %s: %s", options.file,
                    errno == EINVAL ? "it is not a plain file" : strerror(errno));
    return 2;
  }
  if (!b->answer) return rw_no_memory(L);
  add_headers(L, 3, b->answer);
  if (l && rw_listener_answer(l, (uint64_t)id, b->answer)) {
    b->answer = NULL;
    lua_pushboolean(L, 1);
  }
  else lua_pushboolean(L, 0);
  return 1;
}


static int l_close (lua_State *L) {
  listener_box *b = check_box(L);
  rw_listener *l = b->listener;
  b->listener = NULL;
  if (l) rw_listener_close(l);
  return 0;
}


static int listener_listen (lua_State *L) {
  static const char *const names[] = {"host", "port", "notify", "max_body_bytes", NULL};
  rw_listen_options o;
  char why[256];
  listener_box *b;
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_newtable(L);
    lua_replace(L, 1);
  }
  check_names(L, 1, names);
  o.port = (uint16_t)integer_field(L, 1, "port", 0, 0, 65535);
  o.notify = (int)integer_field(L, 1, "notify", -1, 0, 0x7fffffff);
  o.max_body_bytes = (size_t)integer_field(L, 1, "max_body_bytes", DEFAULT_BODY, 0, MOST_BODY);
  o.host = string_field(L, 1, "host", NULL);
  if (!o.host) o.host = "127.0.0.1";
  b = lua_newuserdatauv(L, sizeof *b, 0);
  b->listener = NULL;
  luaL_setmetatable(L, LISTENER_TYPE);
  b->listener = rw_listener_open(&o, why, sizeof why);
  if (b->listener) return 1;
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

/* }================================================================= */


static const luaL_Reg methods[] = {
  {"close", l_close},
  {"port", l_port},
  {"respond", l_respond},
  {"take", l_take},
  {NULL, NULL}
};

static const luaL_Reg metamethods[] = {
  {"__close", l_close},
  {"__gc", l_close},
  {"__index", NULL},           /* place for the methods */
  {NULL, NULL}
};

static const luaL_Reg functions[] = {
  {"listen", listener_listen},
  {NULL, NULL}
};


int luaopen_runway_listener (lua_State *L) {
  rw_check_lua(L);
  luaL_newmetatable(L, LISTENER_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newmetatable(L, ANSWER_TYPE);
  lua_pushcfunction(L, answer_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  lua_pushstring(L, rw_listener_library());
  lua_setfield(L, -2, "version");
  return 1;
}

#endif
