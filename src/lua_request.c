/*
** lua_request.c: a request from the Lua table that describes it.
**
** The half-made request lives in a userdata (a box), so that an error raised
** on the way releases it. One that came to its end is kept for the next request,
** and in it the requests that have had their use: to make, finalize and release all
** that anew costs more than to fill it in.
*/
#include "system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "lua_compat.h"
#include "lua_request.h"
#include "proxy.h"
#include "unpack.h"
#include "url.h"

#define BOX_TYPE "runway.request"
#define MOST_SPARE 64          /* requests of 3 KiB */

static const char box_key = 0; /* in the registry: a box that is not in use */


static int box_gc (lua_State *L) {
  rw_box *b = luaL_checkudata(L, 1, BOX_TYPE);
  rw_request *r;
  rw_request_free(b->r);
  b->r = NULL;
  while ((r = b->spare) != NULL) {
    b->spare = r->next;
    rw_request_free(r);
  }
  return 0;
}


static void set_kept_box (lua_State *L) {
  lua_rawsetp(L, LUA_REGISTRYINDEX, &box_key);
}


/* Pushes an empty box: the one that is kept, or else a new one. */
static rw_box *push_box (lua_State *L) {
  rw_box *b;
  int kept = lua_rawgetp(L, LUA_REGISTRYINDEX, &box_key);
  lua_pushboolean(L, 0);                 /* its place stays, so that to keep it cannot raise */
  set_kept_box(L);
  if (kept == LUA_TUSERDATA) return lua_touserdata(L, -1);
  lua_pop(L, 1);
  b = lua_newuserdatauv(L, sizeof *b, 0);
  *b = (rw_box){0};
  if (luaL_newmetatable(L, BOX_TYPE)) {
    lua_pushcfunction(L, box_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return b;
}


rw_request *rw_push_request (lua_State *L) {
  rw_box *b = push_box(L);
  b->r = b->spare;
  if (b->r) {
    b->spare = b->r->next;
    b->spares--;
    b->r->next = NULL;
  } else {
    b->r = rw_request_new();
  }
  if (!b->r) rw_no_memory(L);
  return b->r;
}


void rw_keep_box (lua_State *L) {
  set_kept_box(L);
}


void rw_give_back (lua_State *L, rw_request *r) {
  rw_box *b = NULL;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &box_key) == LUA_TUSERDATA) b = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (!b || b->spares == MOST_SPARE) {
    rw_request_free(r);
    return;
  }
  rw_request_renew(r);
  r->next = b->spare;
  b->spare = r;
  b->spares++;
}


char *rw_copy (lua_State *L, const void *from, size_t n) {
  char *to = malloc(n + 1);
  if (!to) rw_no_memory(L);
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
    *to = rw_copy(L, s, n);
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


static void append_line (lua_State *L, struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (!longer) rw_no_memory(L);
  *list = longer;
}


/* "Name: value", or "Name;", which is libcurl's form of a header with an empty value. */
static void append_header (lua_State *L, struct curl_slist **list, const char *name,
                           size_t n, const char *value, size_t m) {
  char line[512];                        /* most are shorter */
  if (n + m + 3 > sizeof line) {
    append_line(L, list, lua_pushfstring(L, m > 0 ? "%s: %s" : "%s;%s", name, value));
    lua_pop(L, 1);
    return;
  }
  memcpy(line, name, n);
  line[n] = m > 0 ? ':' : ';';
  line[n + 1] = m > 0 ? ' ' : '\0';
  memcpy(line + n + 2, value, m + 1);
  append_line(L, list, line);
}


/* Only then has libcurl headers of its own for it. */
static bool sends_body (const rw_request *r) {
  return r->nparts || r->nfields || r->file || strcmp(r->method, "POST") == 0;
}


/* Header names and values; false with a reason (a literal) for refused ones. */
static const char *read_headers (lua_State *L, int t, rw_request *r) {
  bool typed = false, coded = r->sink.path != NULL;
  if (lua_getfield(L, t, "headers") == LUA_TTABLE) {
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      size_t n, m;
      const char *name, *value;
      if (lua_type(L, -2) != LUA_TSTRING) return "a header's name is not a string";
      name = lua_tolstring(L, -2, &n);
      if (!rw_header_is_token(name, n)) return "a header's name holds a character it may not";
      if (lua_type(L, -1) != LUA_TSTRING) return "a header's value is not a string";
      value = lua_tolstring(L, -1, &m);
      if (!rw_header_is_value(value, m))
        return "a header's value holds a control character (a line break?)";
      if (n == 6 && curl_strequal(name, "expect")) continue;
      if (n == 12 && curl_strequal(name, "content-type")) typed = true;
      if (n == 15 && curl_strequal(name, "accept-encoding")) coded = true;
      append_header(L, &r->headers, name, n, value, m);
    }
  }
  lua_pop(L, 1);
  if (!coded && rw_unpack_ready()) append_line(L, &r->headers, rw_unpack_offer());
  if (!sends_body(r)) return NULL;
  append_line(L, &r->headers, "Expect:");  /* no 100-continue, no second send */
  if (!typed && !r->nfields) append_line(L, &r->headers, "Content-Type:");
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
    if (!r->parts) rw_no_memory(L);
    for (size_t i = 0; i < n; i++) {
      r->parts[i].fd = -1;
      if (lua_rawgeti(L, -1, (lua_Integer)i + 1) == LUA_TSTRING) {
        const char *s = lua_tolstring(L, -1, &r->parts[i].len);
        r->parts[i].text = rw_copy(L, s, r->parts[i].len);
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
  return s && !rw_header_is_value(s, strlen(s));
}


/* One field of a form from the table at `at`; false when it is refused. */
static bool read_field (lua_State *L, int at, rw_field *f) {
  size_t len;
  const char *s;
  lua_rawgeti(L, at, 1);
  s = luaL_checklstring(L, -1, &len);
  f->name = rw_copy(L, s, len);
  copy_field(L, at, "file", &f->path);
  copy_field(L, at, "filename", &f->filename);
  copy_field(L, at, "type", &f->type);
  if (!f->path) {
    lua_rawgeti(L, at, 2);
    s = luaL_checklstring(L, -1, &f->len);
    f->value = rw_copy(L, s, f->len);
  }
  return rw_header_is_value(f->name, len) && !breaks_header(f->filename) &&
         !breaks_header(f->type);
}


/* form = { {name, value} | {name, file=, filename=, type=}, ... } */
static const char *read_form (lua_State *L, int t, rw_request *r) {
  if (lua_getfield(L, t, "form") == LUA_TTABLE) {
    size_t n = (size_t)luaL_len(L, -1);
    r->fields = calloc(n ? n : 1, sizeof *r->fields);
    if (!r->fields) rw_no_memory(L);
    for (size_t i = 0; i < n; i++) r->fields[i].fd = -1;
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
      append_line(L, &r->pins, lua_tostring(L, -1));
      lua_pop(L, 1);
    }
  lua_pop(L, 1);
}


static void read_save (lua_State *L, int t, rw_request *r) {
  if (lua_getfield(L, t, "save") == LUA_TTABLE) {
    int at = lua_absindex(L, -1);
    copy_field(L, at, "path", &r->sink.path);
    copy_field(L, at, "source", &r->sink.source);
    r->sink.overwrite = flag_field(L, at, "overwrite");
    r->anew = flag_field(L, at, "anew");
    r->only_media = flag_field(L, at, "only_media");
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


/* localhost is this machine and not the proxy's, and the environment's proxy is
** for none of this machine's addresses. */
const char *rw_proxy_towards (const rw_url *url, const char *given, const char **from) {
  const char *proxy = given;
  *from = "proxy";
  if (!given && !url->loopback)
    proxy = rw_proxy_from_environment(url->scheme, url->host, url->port, from);
  if (!proxy || !*proxy) return NULL;
  return url->localhost && !rw_proxy_check(proxy) ? NULL : proxy;
}


/*
** The proxy that the table names, or else the environment: read here, on the
** thread that may change it. A reason for a proxy that cannot be one is left on
** the stack.
*/
static const char *read_proxy (lua_State *L, int t, rw_request *r,
                               const rw_url *url) {
  const char *from, *why, *proxy;
  copy_field(L, t, "proxy", &r->proxy);
  proxy = rw_proxy_towards(url, r->proxy, &from);
  if (!proxy) {
    if (r->proxy) r->proxy[0] = '\0';
    return NULL;
  }
  if (!r->proxy) r->proxy = rw_copy(L, proxy, strlen(proxy));
  why = rw_proxy_check(proxy);
  return why ? lua_pushfstring(L, "%s is set to what cannot be a proxy: %s", from, why) : NULL;
}


/* A variable of the environment, when it is set to something. */
static bool copy_variable (lua_State *L, const char *name, char **to) {
  const char *value = getenv(name);
  if (value && *value) *to = rw_copy(L, value, strlen(value));
  return *to != NULL;
}


/* The authorities that the table names, or else, where they are asked, the
** environment, as curl and OpenSSL have it. */
static void read_trust (lua_State *L, int t, rw_request *r, bool asked) {
  copy_field(L, t, "ca_file", &r->ca_file);
  if (!asked || r->ca_file || copy_variable(L, "CURL_CA_BUNDLE", &r->ca_file)) return;
  (void)copy_variable(L, "SSL_CERT_FILE", &r->ca_file);
  (void)copy_variable(L, "SSL_CERT_DIR", &r->ca_dir);
}


/* Fills a request from the table at t; for a refused one a reason, which lives
** at least as long as what is on the stack. */
const char *rw_read_request (lua_State *L, int t, rw_request *r) {
  rw_url url;
  const char *refused;
  size_t n;
  const char *s;
  if (lua_getfield(L, t, "method") != LUA_TSTRING)
    luaL_error(L, "a request without a method");
  s = lua_tolstring(L, -1, &n);
  if (!rw_header_is_token(s, n)) return "the method is not a word";
  r->method = rw_copy(L, s, n);
  if (lua_getfield(L, t, "url") != LUA_TSTRING) luaL_error(L, "a request without a URL");
  s = lua_tolstring(L, -1, &n);
  refused = rw_url_check(s, n, &url);
  if (refused) return refused;
  r->loopback = url.loopback;
  r->addressed = url.literal || url.localhost;
  r->address = url.address;
  r->url = rw_url_as_judged(s, &url);
  if (!r->url) r->url = rw_copy(L, s, n);
  lua_pop(L, 2);
  copy_field(L, t, "file", &r->file);
  if ((refused = read_proxy(L, t, r, &url)) != NULL) return refused;
  read_trust(L, t, r, strcmp(url.scheme, "https") == 0 || r->proxy);
  read_body(L, t, r);
  if ((refused = read_form(L, t, r)) != NULL) return refused;
  read_resolve(L, t, r);
  read_save(L, t, r);
  read_reach(L, t, r);
  r->gate = flag_field(L, t, "gate");
  r->allow_http = flag_field(L, t, "allow_http");
  r->timeout_ms = (long)ceil(number_field(L, t, "timeout", 0, 1e6) * 1000);
  r->connect_ms = (long)ceil(number_field(L, t, "connect_timeout", 10, 1e6) * 1000);
  r->stall_s = (long)number_field(L, t, "stall", 0, 1e6);
  r->max_body = (size_t)number_field(L, t, "max_body_bytes", 4 << 20, 1e12);
  r->lane = (unsigned)number_field(L, t, "lane", 0, 1e6);
  r->lane_limit = (unsigned)number_field(L, t, "lane_limit", 32, 1e6);
  return read_headers(L, t, r);
}
