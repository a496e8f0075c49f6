/*
** lua_http.c: the engine and its results as Lua values ("runway.core").
**
** Only the rooms http.lua and scheduler.lua use this module. The engine of a
** Lua state is a userdata in its registry, started by the first request and
** closed by its __gc. Its user value is the table of live requests,
** id -> light userdata; the engine owns what they point to.
*/
#include <stdlib.h>
#include <string.h>

#include <dlfcn.h>

#include <lua.h>
#include <lauxlib.h>

#include "engine.h"
#include "runway.h"
#include "request.h"
#include "transfer.h"

#define ENGINE_TYPE "runway.engine"
#define BOX_TYPE "runway.request"

typedef struct lua_engine {
  rw_engine *engine;           /* NULL: not started, or closed */
  lua_Integer last_id;
  bool collected;              /* the state is closing: start no other */
} lua_engine;

typedef struct box {
  rw_request *r;               /* NULL: given away */
} box;

static const char engine_key = 0;

/* for messages; indexed by rw_errkind */
static const char *const kinds[] = {
  NULL, "network", "timeout", "limit", "io", "protocol", "invalid_request",
  "cancelled"
};

static const char *const forked =
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


/*
** Keeps this library mapped for the life of the process: lua_close unloads
** libraries, and a thread that is still ending must not lose its code.
** Where the module is linked into the program there is nothing to do.
*/
static void stay_loaded (void) {
#ifdef RTLD_NODELETE
  Dl_info info;
  if (dladdr(&engine_key, &info) && info.dli_fname)
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
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


/* As push_engine, with the thread running; raises when it cannot. */
static lua_engine *push_running (lua_State *L) {
  lua_engine *le = push_engine(L);
  const char *why = "the Lua state is closing";
  if (!le->engine && !le->collected) {
    stay_loaded();
    le->engine = rw_engine_new(&why);
  }
  if (!le->engine) luaL_error(L, "runway: %s", why);
  if (!rw_engine_usable(le->engine)) luaL_error(L, "%s", forked);
  return le;
}

/* }================================================================= */


/*
** {=================================================================
** A request from its Lua table
** ==================================================================
*/

static int box_gc (lua_State *L) {
  box *b = luaL_checkudata(L, 1, BOX_TYPE);
  rw_request_free(b->r);
  b->r = NULL;
  return 0;
}


static box *push_box (lua_State *L) {
  box *b = lua_newuserdatauv(L, sizeof *b, 0);
  b->r = NULL;
  luaL_setmetatable(L, BOX_TYPE);
  return b;
}


static rw_request *push_new_request (lua_State *L) {
  box *b = push_box(L);
  b->r = rw_request_new();
  if (!b->r) luaL_error(L, "not enough memory");
  return b->r;
}


static void *copy (lua_State *L, const void *from, size_t n) {
  char *to = malloc(n + 1);
  if (!to) luaL_error(L, "not enough memory");
  memcpy(to, from, n);
  to[n] = '\0';
  return to;
}


/* Copies a string field of the table at index 1 to *to, when it is there. */
static void copy_field (lua_State *L, int t, const char *name, char **to) {
  int type = lua_getfield(L, t, name);
  if (type == LUA_TSTRING) {
    size_t n;
    const char *s = lua_tolstring(L, -1, &n);
    if (strlen(s) != n) luaL_error(L, "'%s' holds a NUL byte", name);
    *to = copy(L, s, n);
  } else if (type != LUA_TNIL) {
    luaL_error(L, "'%s' is not a string", name);
  }
  lua_pop(L, 1);
}


static lua_Number number_field (lua_State *L, int t, const char *name,
                                lua_Number otherwise, lua_Number most) {
  lua_Number n = otherwise;
  if (lua_getfield(L, t, name) != LUA_TNIL) {
    n = luaL_checknumber(L, -1);
    if (!(n >= 0)) luaL_error(L, "'%s' is negative or not a number", name);
    if (n > most) n = most;
  }
  lua_pop(L, 1);
  return n;
}


static bool flag_field (lua_State *L, int t, const char *name) {
  bool flag;
  lua_getfield(L, t, name);
  flag = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return flag;
}


static bool has_control (const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 127) return true;
  return false;
}


static bool is_token (const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 127 ||
        strchr("()<>@,;:\\\"/[]?={}", s[i]))
      return false;
  return n > 0;
}


static void append (lua_State *L, struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (!longer) luaL_error(L, "not enough memory");
  *list = longer;
}


/* Header names and values; false with a reason (a literal) for refused ones. */
static const char *read_headers (lua_State *L, int t, rw_request *r) {
  bool typed = false;
  if (lua_getfield(L, t, "headers") == LUA_TTABLE) {
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      size_t n, m;
      const char *name, *value;
      if (lua_type(L, -2) != LUA_TSTRING) return "a header's name is not a string";
      name = lua_tolstring(L, -2, &n);
      if (!is_token(name, n)) return "a header's name holds a character it may not";
      if (lua_type(L, -1) != LUA_TSTRING) return "a header's value is not a string";
      value = lua_tolstring(L, -1, &m);
      if (has_control(value, m))
        return "a header's value holds a control character (a line break?)";
      if (n == 12 && curl_strequal(name, "content-type")) typed = true;
      /* "Name;" is libcurl's form of a header with an empty value */
      if (m > 0) lua_pushfstring(L, "%s: %s", name, value);
      else lua_pushfstring(L, "%s;", name);
      append(L, &r->headers, lua_tostring(L, -1));
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  append(L, &r->headers, "Expect:");  /* no 100-continue, no second send */
  if (!typed && !r->nfields) append(L, &r->headers, "Content-Type:");
  return NULL;
}


/* body = string, or a list of strings and files { path = } */
static void read_body (lua_State *L, int t, rw_request *r) {
  int type = lua_getfield(L, t, "body");
  if (type == LUA_TSTRING) {
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);               /* one part */
  } else if (type != LUA_TTABLE) {
    luaL_argcheck(L, type == LUA_TNIL, 1, "'body' is not a string or list");
    lua_pop(L, 1);
    return;
  }
  {
    size_t n = (size_t)luaL_len(L, -1);
    r->parts = calloc(n ? n : 1, sizeof *r->parts);
    if (!r->parts) luaL_error(L, "not enough memory");
    for (size_t i = 0; i < n; i++) {
      if (lua_rawgeti(L, -1, (lua_Integer)i + 1) == LUA_TSTRING) {
        const char *s = lua_tolstring(L, -1, &r->parts[i].len);
        r->parts[i].text = copy(L, s, r->parts[i].len);
      } else {
        luaL_checktype(L, -1, LUA_TTABLE);
        copy_field(L, lua_absindex(L, -1), "path", &r->parts[i].path);
        if (!r->parts[i].path) luaL_error(L, "a file without a path");
      }
      r->nparts = i + 1;
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}


static bool breaks_header (const char *s) {
  return s && has_control(s, strlen(s));
}


/* One field of a form from the table at `at`; false when it is refused. */
static bool read_field (lua_State *L, int at, rw_field *f) {
  size_t len;
  const char *s;
  lua_rawgeti(L, at, 1);
  s = luaL_checklstring(L, -1, &len);
  f->name = copy(L, s, len);
  copy_field(L, at, "file", &f->path);
  copy_field(L, at, "filename", &f->filename);
  copy_field(L, at, "type", &f->type);
  if (!f->path) {
    lua_rawgeti(L, at, 2);
    s = luaL_checklstring(L, -1, &f->len);
    f->value = copy(L, s, f->len);
  }
  return !has_control(f->name, len) && !breaks_header(f->filename) &&
         !breaks_header(f->type);
}


/* form = { {name, value} | {name, file=, filename=, type=}, ... } */
static const char *read_form (lua_State *L, int t, rw_request *r) {
  if (lua_getfield(L, t, "form") == LUA_TTABLE) {
    size_t n = (size_t)luaL_len(L, -1);
    r->fields = calloc(n ? n : 1, sizeof *r->fields);
    if (!r->fields) luaL_error(L, "not enough memory");
    for (size_t i = 0; i < n; i++) {
      int at = lua_gettop(L) + 1;
      lua_rawgeti(L, -1, (lua_Integer)i + 1);
      luaL_checktype(L, -1, LUA_TTABLE);
      r->nfields = i + 1;
      if (!read_field(L, at, &r->fields[i]))
        return "a field's name, file name or type holds a control character";
      lua_settop(L, at - 1);
    }
  }
  lua_pop(L, 1);
  return NULL;
}


/*
** resolve = { ["host:port"] = "address" }: connect there instead. Not libcurl's
** RESOLVE, which would pin the name for every later request too.
*/
static void read_resolve (lua_State *L, int t, rw_request *r) {
  if (lua_getfield(L, t, "resolve") == LUA_TTABLE)
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      const char *address;
      if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "'resolve' does not map strings to strings");
      address = lua_tostring(L, -1);
      lua_pushfstring(L, strchr(address, ':') && *address != '[' ? "%s:[%s]:" : "%s:%s:",
                      lua_tostring(L, -2), address);
      append(L, &r->pins, lua_tostring(L, -1));
      lua_pop(L, 1);
    }
  lua_pop(L, 1);
}


static void read_save (lua_State *L, int t, rw_request *r) {
  if (lua_getfield(L, t, "save") == LUA_TTABLE) {
    int at = lua_absindex(L, -1);
    copy_field(L, at, "path", &r->sink.path);
    r->sink.overwrite = flag_field(L, at, "overwrite");
    r->sink.max_bytes = (int64_t)number_field(L, at, "max_bytes", 0, 9e15);
  }
  lua_pop(L, 1);
}


static void read_reach (lua_State *L, int t, rw_request *r) {
  static const char *const names[] = {"any", "public", "loopback_or_public", NULL};
  lua_getfield(L, t, "address");
  r->reach = (rw_reach)luaL_checkoption(L, -1, "any", names);
  lua_pop(L, 1);
}


/* Fills a request from the table at t; a reason (a literal) for a refused one. */
static const char *read_request (lua_State *L, int t, rw_request *r) {
  rw_url url;
  const char *refused;
  size_t n;
  const char *s;
  if (lua_getfield(L, t, "method") != LUA_TSTRING)
    luaL_error(L, "a request without a method");
  s = lua_tolstring(L, -1, &n);
  if (!is_token(s, n)) return "the method is not a word";
  r->method = copy(L, s, n);
  if (lua_getfield(L, t, "url") != LUA_TSTRING) luaL_error(L, "a request without a URL");
  s = lua_tolstring(L, -1, &n);
  refused = rw_url_check(s, n, &url);
  if (refused) return refused;
  r->url = copy(L, s, n);
  lua_pop(L, 2);
  copy_field(L, t, "file", &r->file);
  copy_field(L, t, "proxy", &r->proxy);
  copy_field(L, t, "ca_file", &r->ca_file);
  read_body(L, t, r);
  if ((refused = read_form(L, t, r)) != NULL) return refused;
  read_resolve(L, t, r);
  read_save(L, t, r);
  read_reach(L, t, r);
  r->gate = flag_field(L, t, "gate");
  r->allow_http = flag_field(L, t, "allow_http");
  r->timeout_ms = (long)(number_field(L, t, "timeout", 0, 1e6) * 1000);
  r->connect_ms = (long)(number_field(L, t, "connect_timeout", 10, 1e6) * 1000);
  r->stall_s = (long)number_field(L, t, "stall", 0, 1e6);
  r->max_body = (size_t)number_field(L, t, "max_body_bytes", 4 << 20, 1e12);
  r->lane = (unsigned)number_field(L, t, "lane", 0, 1e6);
  r->lane_limit = (unsigned)number_field(L, t, "lane_limit", 32, 1e6);
  return read_headers(L, t, r);
}

/* }================================================================= */


/*
** {=================================================================
** A result as a Lua table
** ==================================================================
*/

/* Adds value to t[name], after a comma when the header came before. */
static void put_header (lua_State *L, int t, const char *name, size_t n,
                        const char *value, size_t m) {
  luaL_Buffer lower;
  char *to = luaL_buffinitsize(L, &lower, n);
  for (size_t i = 0; i < n; i++)
    to[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
  luaL_pushresultsize(&lower, n);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, t) == LUA_TSTRING) {
    lua_pushliteral(L, ", ");
    lua_pushlstring(L, value, m);
    lua_concat(L, 3);
  } else {
    lua_pop(L, 1);
    lua_pushlstring(L, value, m);
  }
  lua_rawset(L, t);
}


static void push_headers (lua_State *L, const rw_request *r) {
  const char *p = r->head.data, *end = p ? p + r->head.len : NULL;
  int t;
  lua_newtable(L);
  t = lua_gettop(L);
  while (p && p < end) {
    const char *eol = memchr(p, '\n', (size_t)(end - p));
    const char *stop = eol ? eol : end, *colon = memchr(p, ':', (size_t)(stop - p));
    const char *next = eol ? eol + 1 : end;
    if (colon && colon > p && *p != ' ' && *p != '\t' && strncmp(p, "HTTP/", 5) != 0) {
      const char *value = colon + 1;
      while (value < stop && (*value == ' ' || *value == '\t')) value++;
      while (stop > value && (stop[-1] == '\r' || stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
      put_header(L, t, p, (size_t)(colon - p), value, (size_t)(stop - value));
    }
    p = next;
  }
}


static void push_error (lua_State *L, const rw_error *e) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, kinds[e->kind]);
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, e->code);
  lua_setfield(L, -2, "code");
  lua_pushstring(L, e->message);
  lua_setfield(L, -2, "message");
  lua_pushboolean(L, e->permanent);
  lua_setfield(L, -2, "permanent");
}


static void push_probe (lua_State *L, const rw_request *r) {
  const char *slash = strchr(r->media_type, '/');
  lua_createtable(L, 0, 4);
  if (!slash) return;
  lua_pushinteger(L, (lua_Integer)r->media_size);
  lua_setfield(L, -2, "size");
  lua_pushstring(L, r->media_type);
  lua_setfield(L, -2, "type");
  lua_pushlstring(L, r->media_type, (size_t)(slash - r->media_type));
  lua_setfield(L, -2, "class");
}


static void push_answer (lua_State *L, const rw_request *r) {
  lua_createtable(L, 0, 8);
  if (r->status) {
    lua_pushinteger(L, r->status);
    lua_setfield(L, -2, "status");
  }
  push_headers(L, r);
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, r->body.data ? r->body.data : "", r->body.len);
  lua_setfield(L, -2, "body");
  lua_pushinteger(L, (lua_Integer)r->bytes);
  lua_setfield(L, -2, "bytes");
  lua_pushboolean(L, r->sent);
  lua_setfield(L, -2, "sent");
  lua_pushstring(L, r->redirect);        /* nil when NULL */
  lua_setfield(L, -2, "redirect");
  lua_createtable(L, 0, 2);
  lua_pushnumber(L, r->total_s);
  lua_setfield(L, -2, "total");
  lua_pushnumber(L, r->connect_s);
  lua_setfield(L, -2, "connect");
  lua_setfield(L, -2, "timings");
}

/* }================================================================= */


/*
** {=================================================================
** Functions of the module
** ==================================================================
*/

/* Hands the request in the box at the top to the engine; pushes its id. */
static int hand_over (lua_State *L) {
  box *b = lua_touserdata(L, -1);
  lua_engine *le = push_running(L);
  lua_Integer id = ++le->last_id;
  lua_getiuservalue(L, -1, 1);
  lua_pushlightuserdata(L, b->r);
  lua_rawseti(L, -2, id);                /* may raise; nothing started yet */
  b->r->id = id;
  rw_engine_start(le->engine, b->r);
  b->r = NULL;
  lua_pushinteger(L, id);
  return 1;
}


static int refuse (lua_State *L, const char *message, const char *kind) {
  lua_pushnil(L);
  lua_pushstring(L, message);
  lua_pushstring(L, kind);
  return 3;
}


static bool is_forked (lua_State *L) {
  lua_engine *le = push_engine(L);
  lua_pop(L, 1);
  return le->engine && !rw_engine_usable(le->engine);
}


/* start(request) -> id | nil, message, kind */
static int core_start (lua_State *L) {
  const char *refused;
  rw_request *r;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  r = push_new_request(L);
  refused = read_request(L, 1, r);
  if (refused) return refuse(L, refused, "invalid_request");
  lua_settop(L, 2);
  if (is_forked(L)) return refuse(L, forked, "config");
  return hand_over(L);
}


/* probe(path) -> id | nil, message, kind; the result holds size, type and class of the file */
static int core_probe (lua_State *L) {
  size_t n;
  const char *path = luaL_checklstring(L, 1, &n);
  rw_request *r;
  luaL_argcheck(L, strlen(path) == n, 1, "the path holds a NUL byte");
  if (is_forked(L)) return refuse(L, forked, "config");
  r = push_new_request(L);
  r->op = RW_PROBE;
  r->lane_limit = 1;
  r->file = copy(L, path, n);
  return hand_over(L);
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
  if (r) rw_engine_cancel(le->engine, r);
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


/* take() -> id, result; nothing when no request is finished */
static int core_take (lua_State *L) {
  lua_engine *le = (lua_settop(L, 0), push_engine(L));
  box *b = push_box(L);                  /* first: what it will hold must not leak */
  lua_Integer id = 0;
  if (!le->engine || !rw_engine_usable(le->engine)) return 0;
  b->r = rw_engine_take(le->engine);
  if (!b->r) return 0;
  lua_getiuservalue(L, 1, 1);            /* live requests */
  id = b->r->id;
  lua_pushnil(L);
  lua_rawseti(L, -2, id);
  lua_pushinteger(L, id);
  if (b->r->op == RW_PROBE) push_probe(L, b->r);
  else push_answer(L, b->r);
  if (b->r->error.kind != RW_OK) {
    push_error(L, &b->r->error);
    lua_setfield(L, -2, "error");
  }
  rw_request_free(b->r);                 /* now, not at the next collection */
  b->r = NULL;
  return 2;
}


/* wait([seconds]) -> is there something to take (or to drain elsewhere)? */
static int core_wait (lua_State *L) {
  lua_Number seconds = luaL_optnumber(L, 1, -1);
  lua_engine *le = push_running(L);
  lua_pushboolean(L, rw_engine_wait(le->engine, seconds));
  return 1;
}


static int core_pending (lua_State *L) {
  lua_engine *le = push_engine(L);
  lua_pushinteger(L, le->engine ? (lua_Integer)rw_engine_pending(le->engine) : 0);
  return 1;
}


static int core_fd (lua_State *L) {
  lua_engine *le = push_running(L);
  lua_pushinteger(L, rw_engine_fd(le->engine));
  return 1;
}


static int core_notify_fd (lua_State *L) {
  lua_engine *le = push_running(L);
  lua_pushinteger(L, rw_engine_notify_fd(le->engine));
  return 1;
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


static const luaL_Reg core_functions[] = {
  {"cancel", core_cancel},
  {"close", core_close},
  {"fd", core_fd},
  {"notify_fd", core_notify_fd},
  {"now", core_now},
  {"pending", core_pending},
  {"probe", core_probe},
  {"progress", core_progress},
  {"start", core_start},
  {"take", core_take},
  {"url", core_url},
  {"wait", core_wait},
  {NULL, NULL}
};

/* }================================================================= */


static void new_type (lua_State *L, const char *name, lua_CFunction gc) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}


int luaopen_runway_core (lua_State *L) {
  new_type(L, ENGINE_TYPE, engine_close);
  new_type(L, BOX_TYPE, box_gc);
  luaL_newlib(L, core_functions);
  return 1;
}
