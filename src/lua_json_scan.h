/*
** lua_json_scan.h: what reading and writing JSON stand on: a growing text that
** Lua owns, the UTF-8 rule, and the strict pass over a text.
*/
#ifndef RW_LUA_JSON_SCAN_H
#define RW_LUA_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Both ways alike, so that what was read can be written. Real bodies stay under 10. Each level
** costs a C frame in lua-cjson and in our walks, and 128 of them fit in any thread's stack. */
#define RW_JSON_DEPTH 128

#define RW_JSON_MARK '\x7F'             /* legal in JSON text, and no one's first letter */

/* The bytes live in a userdata at the stack slot `slot`, which is kept for it until the C function
** returns. Adding may raise a memory error, and needs one free stack slot. */
typedef struct Out {
  lua_State *L;
  int slot;
  char *data;
  size_t len, cap;
} Out;

void rw_out_open (Out *out, lua_State *L, size_t cap);  /* [-0, +1] */
void rw_out_add (Out *out, const char *bytes, size_t len);
void rw_out_literal (Out *out, const char *text);

/* Length of the UTF-8 sequence at `text`, of which `left` > 0 bytes are there, or 0 if there is
** none: neither overlong forms nor surrogates nor anything above U+10FFFF count (RFC 3629). */
size_t rw_utf8_length (const char *text, size_t left);

/* `text` is a Lua string, so text[len] is '\0', which no rule of the grammar accepts: looking at
** the next byte is always safe, and stops every loop. */
typedef struct Scanner {
  const char *text;
  size_t len, at;
  size_t copied;                        /* text before this is in `out`, rewritten */
  const char *problem;                  /* once a scan_ function has failed: what is wrong, */
  bool at_known;                        /* at `at`, or with the text as a whole */
  int depth;
  char open[RW_JSON_DEPTH];                 /* the brackets we are in */
  Out out;
} Scanner;

/* Checks the text and leaves what lua-cjson shall see in `out`; on failure, see rw_scan_complain. */
bool rw_scan_text (Scanner *s);

/* Pushes the message. It quotes a dozen bytes at most: texts can hold signed URLs and keys. */
void rw_scan_complain (lua_State *L, const Scanner *s);

#pragma GCC visibility pop

#endif
