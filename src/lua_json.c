/*
** runway.json: JSON that loses nothing a provider or a user may care about.
**
** Reading goes through a private lua-cjson, whose settings no one else can see or change. On its
** own it would turn 9007199254740993 into a float, accept NaN, 0x10 and broken UTF-8, and make
** [] and {} the same empty table. So it is never shown any of these. One strict pass over the
** text (RFC 8259, UTF-8 by RFC 3629) checks everything and rewrites as it goes:
**
**      12.50    ->  "\x7F12.50"     a number becomes a string that begins with a mark
**      [ ]      ->  "\x7F[]"        so does an empty array
**      "\x7Fx"  ->  "\x7F\x7Fx"     a string value that began with the mark gets a second one
**
** lua-cjson then builds the tables, and one walk over them puts the true values back. A text
** cannot forge a mark: its own are always doubled. Names of fields are never marked, and stay.
**
** Writing is a walk of our own: lua-cjson writes 14 digits, no [], "\/" for "/", fields in random
** order, and any bytes as if they were UTF-8. Each string has to be read for that check anyway.
**
**   decode(text) -> value | nil, message    (the message names the byte, counted from 1)
**     Integers stay integers; beyond +-2^53, where other JSON readers round, the digits come as a
**     string, as sent. Other numbers are finite floats. A null field is absent; null in an array,
**     or alone, is json.null. Arrays keep being arrays. Of two fields of one name the last wins.
**   encode(value) -> string | segments | nil, message    (the message names the path, a.b[2])
**     Tables are read raw. Fields go out sorted by bytes. 5.0 goes out as 5, other floats with the
**     fewest digits that read back the same. Only arrays (below) and non-empty sequences become
**     [...]. With a runway.file inside, the result is a list { text, file, text, ... }: the texts
**     hold the quotes, the file's data URI belongs between them.
**   array([t]) -> t        marks t (or a new table) as an array, so that even empty it is [].
**   is_array(v) -> boolean     would encode write v as [...]?
**   null                   the same value as cjson.null.
*/

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua_compat.h"
#include "lua_json_scan.h"
#include "runway.h"

#define MAX_EXACT ((lua_Integer)1 << 53)
#define ARRAY_TYPE "runway.array"
#define FILE_TYPE "runway.file"

#define UPVALUE_CJSON lua_upvalueindex(1)   /* the private instance's decode */
#define UPVALUE_ARRAY lua_upvalueindex(2)   /* the metatable of arrays */

_Static_assert(sizeof(lua_Integer) == 8 && sizeof(lua_Number) == 8, "64-bit Lua numbers needed");


/* ---- Arrays ---- */

static void mark_array (lua_State *L) {
  lua_pushvalue(L, UPVALUE_ARRAY);
  lua_setmetatable(L, -2);
}

static bool is_marked (lua_State *L, int t) {
  if (!lua_getmetatable(L, t)) return false;
  bool is = lua_rawequal(L, -1, UPVALUE_ARRAY);
  lua_pop(L, 1);
  return is;
}

/* Looks at the keys of the table at `t`: how many there are, and whether they make a list. NULL,
** or why they make neither a list nor an object. */
static const char *shape (lua_State *L, int t, lua_Integer *count, bool *is_list) {
  lua_Integer names = 0, items = 0, last = 0;
  *is_list = is_marked(L, t);
  for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING) {
      names++;
    } else if (lua_isinteger(L, -2)) {
      lua_Integer index = lua_tointeger(L, -2);
      items++;
      if (index < 1 || index > last) last = index < 1 ? LUA_MAXINTEGER : index;
    } else {
      lua_pop(L, 2);
      return "field names must be strings";
    }
  }
  if (names > 0 && (items > 0 || *is_list)) return "a list cannot have named fields";
  if (last != items) return "a list must be numbered from 1, without holes";
  *is_list = *is_list || items > 0;
  *count = names + items;
  return NULL;
}

static int json_array (lua_State *L) {
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_newtable(L);
    lua_replace(L, 1);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argcheck(L, is_marked(L, 1) || !lua_getmetatable(L, 1), 1, "has a metatable of its own");
  mark_array(L);
  return 1;
}

static int json_is_array (lua_State *L) {
  lua_Integer count;
  bool is_list = false;
  luaL_checkany(L, 1);
  if (lua_istable(L, 1))
    is_list = is_marked(L, 1) || (shape(L, 1, &count, &is_list) == NULL && is_list);
  lua_pushboolean(L, is_list);
  return 1;
}


/* ---- Reading: the walk that puts the true values back ---- */

/* Pushes what the text of a number stands for. */
static void push_number (lua_State *L, const char *token) {
  const char *p = token + (*token == '-');
  lua_Integer n = 0;
  for (; *p >= '0' && *p <= '9' && n <= MAX_EXACT; p++) n = n * 10 + (*p - '0');
  if (*p == '\0' && n <= MAX_EXACT) lua_pushinteger(L, *token == '-' ? -n : n);
  else if (strpbrk(p, ".eE") == NULL) lua_pushstring(L, token);
  else lua_stringtonumber(L, token);
}

/* The value on top becomes the one the text meant. Recursion is bounded by the strict pass. */
static void restore (lua_State *L) {
  luaL_checkstack(L, 6, "JSON");
  if (lua_type(L, -1) == LUA_TSTRING) {
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    if (text[0] != RW_JSON_MARK) return;
    if (text[1] == RW_JSON_MARK) {
      lua_pushlstring(L, text + 1, len - 1);
    } else if (text[1] == '[') {
      lua_newtable(L);
      mark_array(L);
    } else {
      push_number(L, text + 1);
    }
    lua_replace(L, -2);
  } else if (lua_istable(L, -1)) {
    bool is_list = false;
    lua_pushnil(L);
    while (lua_next(L, -2)) {           /* table, key, value */
      is_list = lua_type(L, -2) == LUA_TNUMBER;
      restore(L);
      if (!is_list && lua_islightuserdata(L, -1)) {
        lua_pop(L, 1);
        lua_pushnil(L);
      }
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -4);                /* an existing field: allowed under lua_next */
    }
    if (is_list) mark_array(L);
  }
}

/* Pushes the value and is true, or a message and is false. */
static bool read_text (lua_State *L, Scanner *s) {
  rw_out_open(&s->out, L, s->len + s->len / 4 + 32);
  if (!rw_scan_text(s)) {
    rw_scan_complain(L, s);
    return false;
  }
  lua_pushvalue(L, UPVALUE_CJSON);
  lua_pushlstring(L, s->out.data, s->out.len);
  lua_pushnil(L);
  lua_replace(L, s->out.slot);          /* the collector may have the buffer back */
  int status = lua_pcall(L, 1, 1, 0);
  if (status == LUA_ERRMEM) lua_error(L);
  if (status == LUA_OK) restore(L);
  return status == LUA_OK;
}

static int json_decode (lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  Scanner s = { .len = 0 };
  s.text = lua_tolstring(L, 1, &s.len);
  if (read_text(L, &s)) return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}


/* ---- Writing ---- */

/* The way from the top to a value, for messages; the links live in the C frames of the walk. */
typedef struct Path {
  const struct Path *up;                /* NULL behind the first step */
  const char *name;                     /* NULL: item `index` of an array */
  size_t len;
  lua_Integer index;
} Path;

typedef struct Writer {
  lua_State *L;
  Out out;
  int segments;                         /* slot of the list of segments; nil until a file is met */
  int depth;
  const void *open[RW_JSON_DEPTH];          /* the tables we are in, to catch cycles */
} Writer;

static bool write_value (Writer *w, const Path *path);

static void add_path (Out *out, const Path *path) {
  if (path->up) add_path(out, path->up);
  if (out->len > 160) return;           /* a message is for reading */
  if (path->name == NULL) {
    char index[32];
    snprintf(index, sizeof index, "[" LUA_INTEGER_FMT "]", (LUAI_UACINT)path->index);
    rw_out_literal(out, index);
    return;
  }
  if (path->up) rw_out_literal(out, ".");
  size_t len = path->len < 40 ? path->len : 40, step;
  for (size_t i = 0; i < len; i += step) {
    step = rw_utf8_length(path->name + i, len - i);
    bool plain = step > 0 && (unsigned char)path->name[i] >= 0x20;
    if (step == 0) step = 1;
    rw_out_add(out, plain ? path->name + i : "?", plain ? step : 1);
  }
}

/* Leaves "path: message" on top. What was written so far is given up. */
static bool refuse (Writer *w, const Path *path, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  lua_pushvfstring(w->L, format, arguments);
  va_end(arguments);
  if (path == NULL) return false;
  w->out.len = 0;
  add_path(&w->out, path);
  lua_pushlstring(w->L, w->out.data, w->out.len);
  lua_pushfstring(w->L, "%s: %s", lua_tostring(w->L, -1), lua_tostring(w->L, -2));
  return false;
}

static bool write_string (Writer *w, const char *text, size_t len, const Path *path,
                          const char *role) {
  static const char letters[] = "btn?fr";               /* for \x08 to \x0D */
  size_t done = 0, step;
  rw_out_literal(&w->out, "\"");
  for (size_t i = 0; i < len; i += step) {
    unsigned char c = (unsigned char)text[i];
    step = rw_utf8_length(text + i, len - i);
    if (step == 0)
      return refuse(w, path, "%sinvalid UTF-8 at byte %I", role, (LUAI_UACINT)i + 1);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    char escape[8];
    if (c >= 0x20) snprintf(escape, sizeof escape, "\\%c", c);
    else if (c >= '\b' && c <= '\r' && c != '\v')
      snprintf(escape, sizeof escape, "\\%c", letters[c - '\b']);
    else snprintf(escape, sizeof escape, "\\u%04x", c);
    rw_out_add(&w->out, text + done, i - done);
    rw_out_literal(&w->out, escape);
    done = i + 1;
  }
  rw_out_add(&w->out, text + done, len - done);
  rw_out_literal(&w->out, "\"");
  return true;
}

/* The number on top. The C library may write a decimal comma, if the host set such a locale. */
static bool write_number (Writer *w, const Path *path) {
  char text[48], *p;
  int is_integer;
  lua_Integer n = lua_tointegerx(w->L, -1, &is_integer);
  double x = lua_tonumber(w->L, -1);
  if (lua_isinteger(w->L, -1) || (is_integer && n >= -MAX_EXACT && n <= MAX_EXACT)) {
    snprintf(text, sizeof text, LUA_INTEGER_FMT, (LUAI_UACINT)n);
  } else if (!isfinite(x)) {
    return refuse(w, path, "NaN and infinity cannot be sent");
  } else {
    for (int digits = 15; digits <= 17; digits++) {
      snprintf(text, sizeof text - 2, "%.*g", digits, x);
      if (strtod(text, NULL) == x) break;
    }
    p = text + strspn(text, "-0123456789");
    if (*p == '\0') memcpy(p, ".0", 3);   /* so large that bare digits would be read as a string */
    else if (*p != 'e') {
      size_t comma = strcspn(p, "0123456789");
      *p = '.';
      memmove(p + 1, p + comma, strlen(p + comma) + 1);
    }
  }
  rw_out_literal(&w->out, text);
  return true;
}

static bool write_list (Writer *w, int t, lua_Integer count, const Path *path) {
  for (lua_Integer i = 1; i <= count; i++) {
    Path item = { path, NULL, 0, i };
    rw_out_literal(&w->out, i == 1 ? "[" : ",");
    lua_rawgeti(w->L, t, i);
    if (!write_value(w, &item)) return false;
    lua_pop(w->L, 1);
  }
  rw_out_literal(&w->out, count == 0 ? "[]" : "]");
  return true;
}

typedef struct Name {
  const char *text;
  size_t len;
} Name;

static int compare_names (const void *a, const void *b) {
  const Name *x = a, *y = b;
  int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
  return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Sorts in C, where no locale has a say. The names are also kept in a table of their own: while we
** allocate, a finalizer could run and take them out of `t`. */
static bool write_object (Writer *w, int t, lua_Integer count, const Path *path) {
  lua_State *L = w->L;
  lua_Integer n = 0;
  Name *names = lua_newuserdatauv(L, (size_t)count * sizeof *names, 0);
  lua_createtable(L, count < INT_MAX ? (int)count : 0, 0);
  int kept = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
    if (n == count || lua_type(L, -2) != LUA_TSTRING) continue;
    names[n].text = lua_tolstring(L, -2, &names[n].len);
    lua_pushvalue(L, -2);
    lua_rawseti(L, kept, ++n);
  }
  qsort(names, (size_t)n, sizeof *names, compare_names);
  for (lua_Integer i = 0; i < n; i++) {
    Path field = { path, names[i].text, names[i].len, 0 };
    rw_out_literal(&w->out, i == 0 ? "{" : ",");
    if (!write_string(w, names[i].text, names[i].len, &field, "the name is ")) return false;
    rw_out_literal(&w->out, ":");
    lua_pushlstring(L, names[i].text, names[i].len);
    lua_rawget(L, t);
    if (!write_value(w, &field)) return false;
    lua_pop(L, 1);
  }
  rw_out_literal(&w->out, n == 0 ? "{}" : "}");
  lua_settop(L, kept - 2);
  return true;
}

static bool write_table (Writer *w, const Path *path) {
  const void *self = lua_topointer(w->L, -1);
  lua_Integer count = 0;
  bool is_list = false;
  const char *problem = w->depth == RW_JSON_DEPTH ? "nested too deeply" : NULL;
  for (int i = 0; i < w->depth && !problem; i++)
    if (w->open[i] == self) problem = "a table cannot contain itself";
  if (!problem) problem = shape(w->L, lua_gettop(w->L), &count, &is_list);
  if (problem) return refuse(w, path, "%s", problem);
  w->open[w->depth++] = self;
  int t = lua_gettop(w->L);
  if (!(is_list ? write_list : write_object)(w, t, count, path)) return false;
  w->depth--;
  return true;
}

/* The file on top ends a segment and is the next one. */
static void write_file (Writer *w) {
  lua_State *L = w->L;
  if (lua_isnil(L, w->segments)) {
    lua_newtable(L);
    lua_replace(L, w->segments);
  }
  rw_out_literal(&w->out, "\"");
  lua_pushlstring(L, w->out.data, w->out.len);
  lua_rawseti(L, w->segments, luaL_len(L, w->segments) + 1);
  lua_pushvalue(L, -1);
  lua_rawseti(L, w->segments, luaL_len(L, w->segments) + 1);
  w->out.len = 0;
  rw_out_literal(&w->out, "\"");
}

/* A copy of any module of ours may have made it, so files are told by their type's name. */
static bool is_file (lua_State *L) {
  if (luaL_getmetafield(L, -1, "__name") == LUA_TNIL) return false;
  bool is = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), FILE_TYPE) == 0;
  lua_pop(L, 1);
  return is;
}

/* The value on top, which stays there. On failure false, with the message on top instead. */
static bool write_value (Writer *w, const Path *path) {
  lua_State *L = w->L;
  luaL_checkstack(L, 10, "JSON");       /* for one level of any function here */
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: {
      size_t len;
      const char *text = lua_tolstring(L, -1, &len);
      return write_string(w, text, len, path, "");
    }
    case LUA_TNUMBER:
      return write_number(w, path);
    case LUA_TBOOLEAN:
      rw_out_literal(&w->out, lua_toboolean(L, -1) ? "true" : "false");
      return true;
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(L, -1) != NULL) break;
      rw_out_literal(&w->out, "null");
      return true;
    case LUA_TTABLE:
      if (!is_file(L)) return write_table(w, path);
      write_file(w);
      return true;
    default:
      break;
  }
  return refuse(w, path, "a %s cannot be sent", luaL_typename(L, -1));
}

static int json_encode (lua_State *L) {
  Writer w = { .L = L };
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  lua_pushnil(L);
  w.segments = 2;
  rw_out_open(&w.out, L, 512);
  lua_pushvalue(L, 1);
  if (!write_value(&w, NULL)) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushlstring(L, w.out.data, w.out.len);
  if (lua_isnil(L, w.segments)) return 1;
  lua_rawseti(L, w.segments, luaL_len(L, w.segments) + 1);
  lua_pushvalue(L, w.segments);
  return 1;
}


/* ---- The module ---- */

static const luaL_Reg json_functions[] = {
  {"array", json_array},
  {"decode", json_decode},
  {"encode", json_encode},
  {"is_array", json_is_array},
  {NULL, NULL}
};

/* Pushes the decode of a lua-cjson of our own: new() starts from the built-in settings, and no one
** else can reach it. What was found is asked for what it can do, not for its version. */
static void push_cjson (lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson");
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    const char *cause = luaL_tolstring(L, -1, NULL);
    cause = lua_pushlstring(L, cause, strcspn(cause, "\n"));
    luaL_error(L, "runway needs lua-cjson (Debian: apt install lua-cjson; LuaRocks: luarocks "
                  "install lua-cjson), which did not load: %s", cause);
  }
  if (lua_istable(L, -1) && lua_getfield(L, -1, "new") == LUA_TFUNCTION) {
    lua_call(L, 0, 1);
    if (lua_istable(L, -1) && lua_getfield(L, -1, "decode") == LUA_TFUNCTION) return;
  }
  luaL_error(L, "runway needs lua-cjson 2.1.0 or later; the module 'cjson' found has no new()");
}

int luaopen_runway_json (lua_State *L) {
  luaL_checkversion(L);
  push_cjson(L);
  int decode = lua_gettop(L);
  luaL_newlibtable(L, json_functions);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  lua_pushvalue(L, decode);
  luaL_newmetatable(L, ARRAY_TYPE);
  luaL_setfuncs(L, json_functions, 2);
  return 1;
}
