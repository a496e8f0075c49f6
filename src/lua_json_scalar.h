/*
** lua_json_scalar.h: a JSON text under way, and reading what is no container.
*/
#ifndef RW_LUA_JSON_SCALAR_H
#define RW_LUA_JSON_SCALAR_H

#include "lua_buffer.h"
#include "lua_json.h"

#pragma GCC visibility push(hidden)

/*
** `text` is a Lua string, so text[len] is '\0', which no rule of the grammar accepts: looking at
** the next byte is always safe, and stops every loop.
*/
typedef struct rw_json_reader {
  const char *text;
  size_t len, at;
  size_t paused_at;
  rw_buffer pieces;            /* a string or number that cannot be taken as it stands */
  const char *problem;         /* once a function has failed: what is wrong, */
  bool at_known;               /* at `at`, or with the text as a whole */
  bool lenient;
  bool pairs;                  /* a byte that is not UTF-8 takes the next one with it */
  long values;                 /* kept so far */
  bool full;                   /* what follows is looked at, and not kept */
  bool broken;                 /* such a byte was met */
  int depth;
  char open[RW_JSON_DEPTH];              /* the brackets we are in */
  bool kept[RW_JSON_DEPTH];              /* did each begin while values were kept? */
  lua_Integer items[RW_JSON_DEPTH];      /* values so far in each array of them */
} rw_json_reader;

/* Passes over white space; the byte behind it. */
char rw_json_next (rw_json_reader *r);

/* Notes what is wrong at `at`; always false. */
bool rw_json_complain (rw_json_reader *r, size_t at, const char *problem);

/* Pushes the message. It quotes a dozen bytes at most: texts can hold signed URLs and keys. */
void rw_json_push_complaint (lua_State *L, const rw_json_reader *r);

/* Each pushes what begins at r->at and passes over it; false, with the problem noted. */
bool rw_json_string (lua_State *L, rw_json_reader *r);
bool rw_json_scalar (lua_State *L, rw_json_reader *r);

#pragma GCC visibility pop

#endif
