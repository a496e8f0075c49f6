/*
** lua_result.c: what came of a request, as a Lua table.
*/
#include "system.h"

#include <string.h>

#include "lua_compat.h"
#include "lua_headers.h"
#include "lua_result.h"

/* for messages; indexed by rw_errkind */
static const char *const result_kinds[] = {
  NULL, "network", "timeout", "limit", "io", "protocol", "invalid_request",
  "cancelled"
};


static void push_result_headers (lua_State *L, const rw_request *r) {
  const char *p = r->head.data, *end = p ? p + r->head.len : NULL;
  bool repeated = false;
  int t;
  lua_createtable(L, 0, 8);              /* as many as most answers have */
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
      if (rw_headers_add(L, t, p, (size_t)(colon - p), value, (size_t)(stop - value)))
        repeated = true;
    }
    p = next;
  }
  if (repeated) rw_headers_join(L, t);
}


static void push_result_error (lua_State *L, const rw_error *e) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, result_kinds[e->kind]);
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
  lua_pushinteger(L, (lua_Integer)r->media_size);
  lua_setfield(L, -2, "size");
  if (!slash) return;
  lua_pushstring(L, r->media_type);
  lua_setfield(L, -2, "type");
  lua_pushlstring(L, r->media_type, (size_t)(slash - r->media_type));
  lua_setfield(L, -2, "class");
  lua_pushstring(L, r->media_cut);
  lua_setfield(L, -2, "cut");
  if (r->media_moves) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "animated");
  }
  if (r->picture.width == 0) return;
  lua_pushinteger(L, (lua_Integer)r->picture.width);
  lua_setfield(L, -2, "width");
  lua_pushinteger(L, (lua_Integer)r->picture.height);
  lua_setfield(L, -2, "height");
  lua_pushinteger(L, (lua_Integer)r->picture.turn);
  lua_setfield(L, -2, "turn");
}


static void push_digest (lua_State *L, const rw_request *r) {
  lua_createtable(L, 0, 3);
  if (r->body.len == 0) return;
  lua_pushinteger(L, (lua_Integer)r->media_size);
  lua_setfield(L, -2, "size");
  lua_pushlstring(L, r->body.data, r->body.len);
  lua_setfield(L, -2, "sha256");
}


static void push_text (lua_State *L, const rw_request *r) {
  lua_createtable(L, 0, 2);
  if (r->error.kind != RW_OK) return;
  lua_pushlstring(L, r->body.data ? r->body.data : "", r->body.len);
  lua_setfield(L, -2, "text");
}


static void push_said (lua_State *L, const char *name, const rw_buffer *said) {
  lua_pushlstring(L, said->data ? said->data : "", said->len);
  lua_setfield(L, -2, name);
}


static void push_program (lua_State *L, const rw_request *r) {
  lua_createtable(L, 0, 4);
  if (r->error.kind == RW_OK) {
    lua_pushinteger(L, r->exit_code);
    lua_setfield(L, -2, "code");
  }
  push_said(L, "stdout", &r->body);
  push_said(L, "stderr", &r->head);
}


static void push_answer (lua_State *L, const rw_request *r) {
  lua_createtable(L, 0, 8);
  if (r->status) {
    lua_pushinteger(L, r->status);
    lua_setfield(L, -2, "status");
  }
  push_result_headers(L, r);
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, r->body.data ? r->body.data : "", r->body.len);
  lua_setfield(L, -2, "body");
  lua_pushinteger(L, (lua_Integer)r->bytes);
  lua_setfield(L, -2, "bytes");
  if (r->kept > 0) {
    lua_pushinteger(L, (lua_Integer)r->kept);
    lua_setfield(L, -2, "kept");
  }
  if (r->sum[0]) {
    lua_pushstring(L, r->sum);
    lua_setfield(L, -2, "sha256");
  }
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


void rw_push_result (lua_State *L, const rw_request *r) {
  if (r->op == RW_HTTP) push_answer(L, r);
  else if (r->op == RW_DIGEST) push_digest(L, r);
  else if (r->op == RW_READ) push_text(L, r);
  else if (r->op == RW_PROGRAM) push_program(L, r);
  else if (r->op == RW_PROBE) push_probe(L, r);
  else lua_newtable(L);
  if (r->error.kind != RW_OK) {
    push_result_error(L, &r->error);
    lua_setfield(L, -2, "error");
  }
}
