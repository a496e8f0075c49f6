/*
** lua_store.c: a store as Lua values ("runway.sqlite", "runway.postgresql").
**
**   module.open(where, notify) -> h | nil, message
**     notify: a descriptor that gets a byte when there is something to take
**   h:start(act, statements, waiting, waiter) -> id | nil, code, message
**     act: "write", "read", "hear" or "shut"; a statement: { sql, p1, p2, …, n = count }
**     waiting[id] = waiter before anything is handed over, so that no error or
**     interrupt between the two leaves a result that no one waits for
**   h:take(inbox) -> was there one? It is put into inbox: id and result, which
**     is { { rows=, changes= }, … } or { code=, message=, maybe= }. It stays in
**     line until it is there as a whole.
**   h:close()   also __gc and __close; see rw_store_close
**
** Only runway.store uses it. Misuse raises. Nothing of Lua is used by any
** thread but the caller's.
*/
#include "system.h"

#include <math.h>
#include <string.h>

#include "lua_store.h"
#include "utf8.h"

#define TRANSACTION_TYPE "runway.transaction"

typedef struct store_box {
  rw_store *store;             /* NULL: closed */
  lua_Integer last_id;
} store_box;

typedef struct transaction_box {
  rw_transaction *t;           /* NULL: handed over */
} transaction_box;

static const char *const store_forked =
  "this process was forked after the database had been opened; only the parent can use it: fork "
  "first, then open";


/* Every method has the driver's name, which its type bears, as an upvalue. */
static store_box *check_store_box (lua_State *L) {
  return luaL_checkudata(L, 1, lua_tostring(L, lua_upvalueindex(1)));
}


/*
** {=================================================================
** From Lua
** ==================================================================
*/

static int transaction_gc (lua_State *L) {
  transaction_box *b = lua_touserdata(L, 1);
  rw_transaction_free(b->t);
  b->t = NULL;
  return 0;
}


/* Pushes a box that holds a new transaction, so that no error leaks it. */
static rw_transaction *push_transaction (lua_State *L, rw_store_act act) {
  transaction_box *b = lua_newuserdatauv(L, sizeof *b, 0);
  b->t = NULL;
  if (luaL_newmetatable(L, TRANSACTION_TYPE)) {
    lua_pushcfunction(L, transaction_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  b->t = rw_transaction_new();
  if (!b->t) rw_no_memory(L);
  b->t->act = act;
  return b->t;
}


static bool is_text (const char *s, size_t length) {
  for (size_t at = 0, n; at < length; at += n)
    if ((n = rw_utf8_length(s + at, length - at)) == 0) return false;
  return true;
}


/* Adds the value at the top; false: a text that is none. */
static bool add_parameter (lua_State *L, rw_cells *in, lua_Integer statement, lua_Integer n) {
  size_t length;
  const char *text;
  bool room = true;
  switch (lua_type(L, -1)) {
    case LUA_TNIL: room = rw_cells_null(in); break;
    case LUA_TBOOLEAN: room = rw_cells_integer(in, lua_toboolean(L, -1)); break;
    case LUA_TNUMBER:
      if (lua_isinteger(L, -1)) room = rw_cells_integer(in, lua_tointeger(L, -1));
      else if (isnan(lua_tonumber(L, -1)))
        luaL_error(L, "statement %I: parameter %I is not a number (NaN)", (LUAI_UACINT)statement,
                   (LUAI_UACINT)n);
      else room = rw_cells_float(in, lua_tonumber(L, -1));
      break;
    case LUA_TSTRING:
      text = lua_tolstring(L, -1, &length);
      if (!is_text(text, length)) return false;
      room = rw_cells_text(in, text, length);
      break;
    default:
      luaL_error(L, "statement %I: parameter %I must be a number, a string, a boolean or "
                 "nil, not a %s", (LUAI_UACINT)statement, (LUAI_UACINT)n, luaL_typename(L, -1));
  }
  if (!room) rw_no_memory(L);
  return true;
}


/* How many parameters the statement at the top has. */
static lua_Integer parameter_count (lua_State *L, lua_Integer statement) {
  int isint;
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1) - 1;
  lua_pushliteral(L, "n");
  if (lua_rawget(L, -2) != LUA_TNIL) {
    n = lua_tointegerx(L, -1, &isint);
    if (!isint || n < 0 || n > 1000)
      luaL_error(L, "statement %I: n must be how many parameters it has", (LUAI_UACINT)statement);
  }
  lua_pop(L, 1);
  return n;
}


/* Adds the statement at the top; 0, or the parameter that is no text. */
static lua_Integer add_statement (lua_State *L, rw_cells *in, lua_Integer statement) {
  lua_Integer count;
  size_t length = 0;
  const char *sql;
  if (!lua_istable(L, -1))
    luaL_error(L, "statement %I must be a table, not a %s", (LUAI_UACINT)statement,
               luaL_typename(L, -1));
  sql = lua_rawgeti(L, -1, 1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
  if (!sql || strlen(sql) != length || !is_text(sql, length))
    luaL_error(L, "statement %I must begin with its SQL, a string", (LUAI_UACINT)statement);
  if (!rw_cells_text(in, sql, length)) rw_no_memory(L);
  lua_pop(L, 1);
  count = parameter_count(L, statement);
  if (!rw_cells_integer(in, count)) rw_no_memory(L);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i + 1);
    if (!add_parameter(L, in, statement, i)) return i;
    lua_pop(L, 1);
  }
  return 0;
}


static int store_start (lua_State *L) {
  static const char *const acts[] = {"write", "read", "hear", "shut", NULL};   /* rw_store_act */
  store_box *b = check_store_box(L);
  rw_store_act act = (rw_store_act)luaL_checkoption(L, 2, NULL, acts);
  rw_transaction *t;
  lua_settop(L, 5);
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_checktype(L, 4, LUA_TTABLE);
  if (!b->store || !rw_store_usable(b->store)) {
    lua_pushnil(L);
    lua_pushstring(L, b->store ? "forked" : "closed");
    lua_pushstring(L, b->store ? store_forked : "it was closed");
    return 3;
  }
  t = push_transaction(L, act);
  for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 3); i++) {
    lua_Integer bad;
    lua_rawgeti(L, 3, i);
    bad = add_statement(L, &t->in, i);
    if (bad != 0) {
      lua_pushnil(L);
      lua_pushliteral(L, "not_text");
      lua_pushfstring(L, "statement %I: parameter %I is not UTF-8", (LUAI_UACINT)i,
                      (LUAI_UACINT)bad);
      return 3;
    }
    lua_pop(L, 1);
  }
  t->id = ++b->last_id;
  lua_pushvalue(L, 5);
  lua_rawseti(L, 4, t->id);              /* may raise; nothing was handed over yet */
  ((transaction_box *)lua_touserdata(L, 6))->t = NULL;
  rw_store_start(b->store, t);
  lua_pushinteger(L, b->last_id);
  return 1;
}

/* }================================================================= */


/*
** {=================================================================
** To Lua
** ==================================================================
*/

static void push_cell (lua_State *L, const rw_cells *c, size_t i) {
  const rw_cell *cell = rw_cells_at(c, i);
  switch (cell->type) {
    case RW_CELL_NULL: lua_pushnil(L); break;
    case RW_CELL_INTEGER: lua_pushinteger(L, cell->as.integer); break;
    case RW_CELL_FLOAT: lua_pushnumber(L, cell->as.number); break;
    case RW_CELL_TEXT: lua_pushlstring(L, rw_cell_text(c, cell), cell->length); break;
  }
}


/* Pushes what the statement at out[at] gave; returns where the next one's begins. */
static size_t push_statement_result (lua_State *L, const rw_cells *out, size_t at) {
  int64_t columns = rw_cells_at(out, at + 1)->as.integer;
  int64_t rows = rw_cells_at(out, at + 2)->as.integer;
  size_t names = at + 3, cell = names + (size_t)columns;
  lua_createtable(L, 0, 2);
  push_cell(L, out, at);
  lua_setfield(L, -2, "changes");
  lua_newtable(L);
  for (int64_t row = 1; row <= rows; row++) {
    lua_createtable(L, 0, (int)columns);
    for (int64_t i = 0; i < columns; i++) {
      push_cell(L, out, names + (size_t)i);
      push_cell(L, out, cell++);
      lua_rawset(L, -3);
    }
    lua_rawseti(L, -2, row);
  }
  lua_setfield(L, -2, "rows");
  return cell;
}


static void push_store_result (lua_State *L, const rw_transaction *t) {
  lua_newtable(L);
  if (t->trouble.code != RW_STORE_FINE) {
    lua_pushstring(L, rw_store_word(t->trouble.code));
    lua_setfield(L, -2, "code");
    lua_pushstring(L, t->trouble.message);
    lua_setfield(L, -2, "message");
    lua_pushboolean(L, t->trouble.maybe);
    lua_setfield(L, -2, "maybe");
    return;
  }
  for (size_t at = 0, i = 1; at < rw_cells_count(&t->out); i++) {
    at = push_statement_result(L, &t->out, at);
    lua_rawseti(L, -2, (lua_Integer)i);
  }
}


static int store_take (lua_State *L) {
  rw_store *s = check_store_box(L)->store;
  rw_transaction *t = s && rw_store_usable(s) ? rw_store_done(s) : NULL;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  if (!t) {
    lua_pushboolean(L, 0);
    return 1;
  }
  luaL_checkstack(L, 8, NULL);
  push_store_result(L, t);               /* may raise: it then stays in line */
  lua_pushinteger(L, t->id);
  lua_setfield(L, 2, "id");
  lua_setfield(L, 2, "result");          /* from here on Lua has it */
  rw_store_took(s);
  lua_pushboolean(L, 1);
  return 1;
}


static int store_close (lua_State *L) {
  store_box *b = check_store_box(L);
  rw_store *s = b->store;
  b->store = NULL;
  if (s) rw_store_close(s);
  return 0;
}

/* }================================================================= */


static const luaL_Reg store_methods[] = {
  {"close", store_close},
  {"start", store_start},
  {"take", store_take},
  {NULL, NULL}
};

static const luaL_Reg store_metamethods[] = {
  {"__close", store_close},
  {"__gc", store_close},
  {NULL, NULL}
};


/* Upvalues: the driver's name, the driver. */
static int store_open (lua_State *L) {
  const rw_store_driver *driver = lua_touserdata(L, lua_upvalueindex(2));
  const char *where = luaL_checkstring(L, 1), *why;
  int notify = (int)luaL_checkinteger(L, 2);
  store_box *b = lua_newuserdatauv(L, sizeof *b, 0);
  b->store = NULL;
  b->last_id = 0;
  luaL_setmetatable(L, driver->name);
  b->store = rw_store_open(driver, where, notify, &why);
  if (b->store) return 1;
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}


void rw_push_store_module (lua_State *L, const rw_store_driver *driver) {
  luaL_newmetatable(L, driver->name);
  lua_pushstring(L, driver->name);
  luaL_setfuncs(L, store_metamethods, 1);
  lua_newtable(L);
  lua_pushstring(L, driver->name);
  luaL_setfuncs(L, store_methods, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushstring(L, driver->name);
  lua_pushlightuserdata(L, (void *)(uintptr_t)driver);
  lua_pushcclosure(L, store_open, 2);
  lua_setfield(L, -2, "open");
}
