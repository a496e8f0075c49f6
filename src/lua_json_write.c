/*
** lua_json_write.c: from Lua values to a JSON text; strict, for it is what leaves us.
**
** A walk of our own, in C frames, whose depth RW_JSON_DEPTH bounds. Memory errors and finalizers
** may come in at any allocation, so the text lies in a buffer that the collector knows.
*/
#include "system.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua_buffer.h"
#include "lua_json.h"
#include "utf8.h"

#define FILE_TYPE "runway.file"

/* The way from the top to a value, for messages; the links live in the C frames of the walk. */
typedef struct json_path {
  const struct json_path *up;            /* NULL behind the first step */
  const char *name;                      /* NULL: item `index` of an array */
  size_t len;
  lua_Integer index;
} json_path;

typedef struct json_writer {
  lua_State *L;
  rw_buffer *out;
  int segments;                /* slot of the list of segments; nil until a file is met */
  int depth;
  const void *open[RW_JSON_DEPTH];       /* the tables we are in, to catch cycles */
} json_writer;

typedef struct json_name {
  const char *text;
  size_t len;
} json_name;

static bool write_value (json_writer *w, const json_path *path);


/*
** {=================================================================
** Why a value cannot be sent
** ==================================================================
*/

static void put (json_writer *w, const char *bytes, size_t len) {
  rw_add(w->L, w->out, bytes, len);
}


static void put_text (json_writer *w, const char *text) {
  rw_add_text(w->L, w->out, text);
}


static void put_path (json_writer *w, const json_path *path) {
  size_t len, step;
  if (path->up) put_path(w, path->up);
  if (w->out->len > 160) return;         /* a message is for reading */
  if (path->name == NULL) {
    char index[32];
    snprintf(index, sizeof index, "[" LUA_INTEGER_FMT "]", (LUAI_UACINT)path->index);
    put_text(w, index);
    return;
  }
  if (path->up) put_text(w, ".");
  len = path->len < 40 ? path->len : 40;
  for (size_t i = 0; i < len; i += step) {
    bool plain;
    step = rw_utf8_length(path->name + i, len - i);
    plain = step > 0 && (unsigned char)path->name[i] >= 0x20;
    if (step == 0) step = 1;
    put(w, plain ? path->name + i : "?", plain ? step : 1);
  }
}


/* Leaves "path: message" on top. What was written so far is given up. */
static bool refuse_value (json_writer *w, const json_path *path, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  lua_pushvfstring(w->L, format, arguments);
  va_end(arguments);
  if (path == NULL) return false;
  rw_buffer_clear(w->out);
  put_path(w, path);
  lua_pushlstring(w->L, w->out->data, w->out->len);
  lua_pushfstring(w->L, "%s: %s", lua_tostring(w->L, -1), lua_tostring(w->L, -2));
  return false;
}

/* }================================================================= */


/*
** {=================================================================
** Strings and numbers
** ==================================================================
*/

static bool write_string (json_writer *w, const char *text, size_t len, const json_path *path,
                          const char *role) {
  static const char letters[] = "btn?fr";        /* for \x08 to \x0D */
  size_t done = 0, step;
  put_text(w, "\"");
  for (size_t i = 0; i < len; i += step) {
    unsigned char c = (unsigned char)text[i];
    char escape[8];
    step = rw_utf8_length(text + i, len - i);
    if (step == 0)
      return refuse_value(w, path, "%sinvalid UTF-8 at byte %I", role, (LUAI_UACINT)i + 1);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    if (c >= 0x20) snprintf(escape, sizeof escape, "\\%c", c);
    else if (c >= '\b' && c <= '\r' && c != '\v')
      snprintf(escape, sizeof escape, "\\%c", letters[c - '\b']);
    else snprintf(escape, sizeof escape, "\\u%04x", c);
    put(w, text + done, i - done);
    put_text(w, escape);
    done = i + 1;
  }
  put(w, text + done, len - done);
  put_text(w, "\"");
  return true;
}


/* The number on top. The C library may write a decimal comma, if the host set such a locale. */
static bool write_number (json_writer *w, const json_path *path) {
  char text[48], *p;
  int is_integer;
  lua_Integer n = lua_tointegerx(w->L, -1, &is_integer);
  double x = lua_tonumber(w->L, -1);
  if (lua_isinteger(w->L, -1) || (is_integer && n >= -RW_JSON_EXACT && n <= RW_JSON_EXACT)) {
    snprintf(text, sizeof text, LUA_INTEGER_FMT, (LUAI_UACINT)n);
  } else if (!isfinite(x)) {
    return refuse_value(w, path, "NaN and infinity cannot be sent");
  } else {
    for (int digits = 15; digits <= 17; digits++) {
      snprintf(text, sizeof text - 2, "%.*g", digits, x);
      if (strtod(text, NULL) == x) break;
    }
    p = text + strspn(text, "-0123456789");
    if (*p == '\0') {
      memcpy(p, ".0", 3);                /* so large that bare digits would be read as a string */
    } else if (*p != 'e') {
      size_t comma = strcspn(p, "0123456789");
      *p = '.';
      memmove(p + 1, p + comma, strlen(p + comma) + 1);
    }
  }
  put_text(w, text);
  return true;
}

/* }================================================================= */


/*
** {=================================================================
** Tables
** ==================================================================
*/

static bool write_list (json_writer *w, int t, lua_Integer count, const json_path *path) {
  for (lua_Integer i = 1; i <= count; i++) {
    json_path item = {path, NULL, 0, i};
    put_text(w, i == 1 ? "[" : ",");
    lua_rawgeti(w->L, t, i);
    if (!write_value(w, &item)) return false;
    lua_pop(w->L, 1);
  }
  put_text(w, count == 0 ? "[]" : "]");
  return true;
}


static int compare_names (const void *a, const void *b) {
  const json_name *x = a, *y = b;
  int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
  return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}


/* Sorts in C, where no locale has a say. The names are also kept in a table of their own: while we
** allocate, a finalizer could run and take them out of `t`. */
static bool write_object (json_writer *w, int t, lua_Integer count, const json_path *path) {
  lua_State *L = w->L;
  lua_Integer n = 0;
  json_name *names = lua_newuserdatauv(L, (size_t)count * sizeof *names, 0);
  int kept;
  lua_createtable(L, count < INT_MAX ? (int)count : 0, 0);
  kept = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
    if (n == count || lua_type(L, -2) != LUA_TSTRING) continue;
    names[n].text = lua_tolstring(L, -2, &names[n].len);
    lua_pushvalue(L, -2);
    lua_rawseti(L, kept, ++n);
  }
  qsort(names, (size_t)n, sizeof *names, compare_names);
  for (lua_Integer i = 0; i < n; i++) {
    json_path field = {path, names[i].text, names[i].len, 0};
    put_text(w, i == 0 ? "{" : ",");
    if (!write_string(w, names[i].text, names[i].len, &field, "the name is ")) return false;
    put_text(w, ":");
    lua_pushlstring(L, names[i].text, names[i].len);
    lua_rawget(L, t);
    if (!write_value(w, &field)) return false;
    lua_pop(L, 1);
  }
  put_text(w, n == 0 ? "{}" : "}");
  lua_settop(L, kept - 2);
  return true;
}


static bool write_table (json_writer *w, const json_path *path) {
  const void *self = lua_topointer(w->L, -1);
  const char *problem = w->depth == RW_JSON_DEPTH ? "nested too deeply" : NULL;
  int t = lua_gettop(w->L);
  lua_Integer count = 0;
  bool is_list = false;
  for (int i = 0; i < w->depth && !problem; i++)
    if (w->open[i] == self) problem = "a table cannot contain itself";
  if (!problem) problem = rw_json_shape(w->L, t, &count, &is_list);
  if (problem) return refuse_value(w, path, "%s", problem);
  w->open[w->depth++] = self;
  if (!(is_list ? write_list : write_object)(w, t, count, path)) return false;
  w->depth--;
  return true;
}


/* The file on top ends a segment and is the next one. */
static void write_file (json_writer *w) {
  lua_State *L = w->L;
  if (lua_isnil(L, w->segments)) {
    lua_newtable(L);
    lua_replace(L, w->segments);
  }
  put_text(w, "\"");
  lua_pushlstring(L, w->out->data, w->out->len);
  lua_rawseti(L, w->segments, luaL_len(L, w->segments) + 1);
  lua_pushvalue(L, -1);
  lua_rawseti(L, w->segments, luaL_len(L, w->segments) + 1);
  rw_buffer_clear(w->out);
  put_text(w, "\"");
}


/* A copy of any module of ours may have made it, so files are told by their type's name. */
static bool is_file_table (lua_State *L) {
  bool is;
  if (luaL_getmetafield(L, -1, "__name") == LUA_TNIL) return false;
  is = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), FILE_TYPE) == 0;
  lua_pop(L, 1);
  return is;
}

/* }================================================================= */


/* The value on top, which stays there. On failure false, with the message on top instead. */
static bool write_value (json_writer *w, const json_path *path) {
  lua_State *L = w->L;
  luaL_checkstack(L, 10, "JSON");        /* for one level of any function here */
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: {
      size_t len;
      const char *text = lua_tolstring(L, -1, &len);
      return write_string(w, text, len, path, "");
    }
    case LUA_TNUMBER:
      return write_number(w, path);
    case LUA_TBOOLEAN:
      put_text(w, lua_toboolean(L, -1) ? "true" : "false");
      return true;
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(L, -1) != NULL) break;
      put_text(w, "null");
      return true;
    case LUA_TTABLE:
      if (!is_file_table(L)) return write_table(w, path);
      write_file(w);
      return true;
    default:
      break;
  }
  return refuse_value(w, path, "a %s cannot be sent", luaL_typename(L, -1));
}


int rw_json_encode (lua_State *L) {
  json_writer w = {.L = L, .segments = 2};
  bool good;
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  lua_pushnil(L);
  w.out = rw_push_buffer(L);
  lua_pushvalue(L, 1);
  good = write_value(&w, NULL);
  if (good) lua_pushlstring(L, w.out->data, w.out->len);
  rw_buffer_free(w.out);                 /* now, not at the next collection */
  if (!good) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  if (lua_isnil(L, w.segments)) return 1;
  lua_rawseti(L, w.segments, luaL_len(L, w.segments) + 1);
  lua_pushvalue(L, w.segments);
  return 1;
}
