/*
** lua_json_read.c: from a JSON text to Lua values, in one pass and without recursion.
**
** Two readings share it: `decode` keeps to RFC 8259 and RFC 3629, `read` passes over what is
** broken (lua_json.c says what). A value is built where it is met: each container that is open lies
** on the Lua stack, and above an object the name of the field to come. All else about the work lies
** in a userdata, so that `read` can be left in the middle, by a yield, and taken up again. The
** last one that came to its end is kept for the next text.
*/
#include "system.h"

#include <string.h>

#include "lua_buffer.h"
#include "lua_json.h"
#include "lua_json_scalar.h"

#define PAUSE_BYTES 32768      /* of the text between two pauses: under a millisecond */
#define MOST_VALUES 65536      /* that `read` keeps of one text: Lua rehashes a whole table, and all
                                  the strings of a state, at once */

enum { TEXT = 1, PAUSE, READER };                /* stack slots */

#define READER_TYPE "runway.reader"

static const char reader_key = 0;      /* in the registry: a reader that is not in use */


/*
** {=================================================================
** The document
** ==================================================================
*/

/* Pushes the name of a field. */
static bool read_name (lua_State *L, rw_json_reader *r) {
  if (rw_json_next(r) != '"') return rw_json_complain(r, r->at, "expected a field name in quotes");
  if (!rw_json_string(L, r)) return false;
  if (rw_json_next(r) != ':') return rw_json_complain(r, r->at, "expected ':'");
  r->at++;
  return true;
}


/* The value on top goes into the innermost container, which is then on top. */
static void put_value (lua_State *L, rw_json_reader *r, bool keep) {
  int inner = r->depth - 1;
  bool in_object = r->open[inner] == '{';
  if (!keep) {
    lua_pop(L, in_object ? 2 : 1);
    return;
  }
  if (r->lenient && ++r->values >= MOST_VALUES) r->full = true;
  if (!in_object) {
    lua_rawseti(L, -2, ++r->items[inner]);
    return;
  }
  if (lua_islightuserdata(L, -1)) {              /* null */
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  lua_rawset(L, -3);
}


/* Puts the value on top where it belongs, and closes what ends behind it. The document is complete
** at depth 0; else one more value is to come. */
static bool close_values (lua_State *L, rw_json_reader *r) {
  bool keep = !r->full;
  while (r->depth > 0) {
    bool in_object = r->open[r->depth - 1] == '{';
    char c;
    put_value(L, r, keep);
    c = rw_json_next(r);
    if (c == ',') {
      r->at++;
      return in_object ? read_name(L, r) : true;
    }
    if (c != (in_object ? '}' : ']'))
      return rw_json_complain(r, r->at, in_object ? "expected ',' or '}'" : "expected ',' or ']'");
    r->at++;
    keep = r->kept[--r->depth];
  }
  return true;
}


/* Pushes the container that begins here. *is_empty: it also ends here, and is a value. */
static bool open_container (lua_State *L, rw_json_reader *r, bool *is_empty) {
  char c = r->text[r->at], first;
  if (r->depth == RW_JSON_DEPTH) return rw_json_complain(r, r->at, "nested too deeply");
  luaL_checkstack(L, 8, "JSON");
  lua_createtable(L, 0, c == '{' && r->depth == 0 ? 4 : 0); /* the outermost has some names */
  if (c == '[') rw_json_mark_array(L);
  r->at++;
  first = rw_json_next(r);
  *is_empty = first == (c == '[' ? ']' : '}');
  if (*is_empty) {
    r->at++;
    return true;
  }
  r->open[r->depth] = c;
  r->kept[r->depth] = !r->full;
  r->items[r->depth++] = 0;
  return c == '[' || read_name(L, r);
}


/* Reads on to the end of the next scalar or empty container. */
static bool read_step (lua_State *L, rw_json_reader *r) {
  char c = rw_json_next(r);
  bool is_value = true;
  if (c == '[' || c == '{') {
    if (!open_container(L, r, &is_value)) return false;
  } else if (!rw_json_scalar(L, r)) {
    return false;
  }
  return !is_value || close_values(L, r);
}


static bool read_end (rw_json_reader *r) {
  while (rw_json_next(r) == '\0' && r->lenient && r->at < r->len) r->at++;
  return r->at == r->len || rw_json_complain(r, r->at, "expected the end");
}


/* What a text is that is not JSON at all, told by how it begins; NULL if nothing is wrong yet. */
static const char *not_json (rw_json_reader *r) {
  const char *b = r->text;
  if (r->len >= 3 && memcmp(b, "\xEF\xBB\xBF", 3) == 0) {
    if (!r->lenient) return "begins with a byte order mark";
    r->at = 3;
  }
  if (r->len >= 2 && (!b[0] || !b[1] || !memcmp(b, "\xFE\xFF", 2) || !memcmp(b, "\xFF\xFE", 2)))
    return "UTF-16 or UTF-32, not UTF-8";
  if (rw_json_next(r) == '<') return "HTML or XML, not JSON";
  return r->at == r->len ? "empty" : NULL;
}


/* From the beginning, whatever was read before. */
static bool begin_text (lua_State *L, rw_json_reader *r) {
  lua_settop(L, READER);
  r->at = r->paused_at = 0;
  r->depth = 0;
  r->values = 0;
  r->full = false;
  r->problem = not_json(r);
  r->at_known = false;
  return r->problem == NULL;
}


/* A text with broken bytes that cannot be read is tried once more, as one of byte pairs. */
static bool begin_again (lua_State *L, rw_json_reader *r) {
  if (!r->broken || r->pairs) return false;
  r->pairs = true;
  return begin_text(L, r);
}


static int reader_gc (lua_State *L) {
  rw_json_reader *r = luaL_checkudata(L, 1, READER_TYPE);
  rw_buffer_free(&r->pieces);
  return 0;
}


static void set_kept (lua_State *L) {
  lua_rawsetp(L, LUA_REGISTRYINDEX, &reader_key);
}


/* Pushes a reader: the one that is kept, as it was left, or else a new one. */
static rw_json_reader *push_reader (lua_State *L) {
  rw_json_reader *r;
  int kept = lua_rawgetp(L, LUA_REGISTRYINDEX, &reader_key);
  lua_pushboolean(L, 0);                 /* its place stays, so that to keep it cannot raise */
  set_kept(L);
  if (kept == LUA_TUSERDATA) return lua_touserdata(L, -1);
  lua_pop(L, 1);
  r = lua_newuserdatauv(L, sizeof *r, 0);
  r->pieces = (rw_buffer){0};
  if (luaL_newmetatable(L, READER_TYPE)) {
    lua_pushcfunction(L, reader_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return r;
}


/* One that an error or a pause has left behind is collected instead. */
static void keep_reader (lua_State *L, rw_json_reader *r) {
  rw_buffer_free(&r->pieces);            /* now, not at the next collection */
  lua_pushvalue(L, READER);
  set_kept(L);
}


/* Leaves the value on top, or nil and the message. Also where `read` goes on after a pause. */
static int read_on (lua_State *L, int status, lua_KContext context) {
  rw_json_reader *r = lua_touserdata(L, READER);
  bool good = r->problem == NULL;
  (void)status;
  (void)context;
  while (good) {
    good = read_step(L, r) && (r->depth > 0 || read_end(r));
    if (!good) good = begin_again(L, r);
    else if (r->depth == 0) break;
    if (good && r->at - r->paused_at > PAUSE_BYTES && !lua_isnil(L, PAUSE)) {
      r->paused_at = r->at;
      lua_pushvalue(L, PAUSE);
      lua_callk(L, 0, 0, 0, read_on);
    }
  }
  if (!good) {
    lua_pushnil(L);
    rw_json_push_complaint(L, r);
  }
  keep_reader(L, r);
  return good ? 1 : 2;
}


static int start_reading (lua_State *L, bool lenient) {
  rw_json_reader *r;
  luaL_checktype(L, TEXT, LUA_TSTRING);
  lua_settop(L, PAUSE);
  r = push_reader(L);
  r->text = lua_tolstring(L, TEXT, &r->len);
  r->lenient = lenient;
  r->pairs = r->broken = false;
  while (lenient && r->len > 0 && r->text[r->len - 1] == '\0') r->len--;
  begin_text(L, r);
  return read_on(L, LUA_OK, 0);
}

/* }================================================================= */


int rw_json_decode (lua_State *L) {
  lua_settop(L, TEXT);
  return start_reading(L, false);
}


int rw_json_read (lua_State *L) {
  if (!lua_isnoneornil(L, PAUSE)) luaL_checkany(L, PAUSE);
  return start_reading(L, true);
}
