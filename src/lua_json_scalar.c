/*
** lua_json_scalar.c: strings, numbers and words of a JSON text, as lua_json_read.c meets them.
*/
#include "system.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lua_json_scalar.h"
#include "utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD"     /* U+FFFD */


/*
** {=================================================================
** Looking at the text
** ==================================================================
*/

bool rw_json_complain (rw_json_reader *r, size_t at, const char *problem) {
  r->at = at;
  r->problem = problem;
  r->at_known = true;
  return false;
}


char rw_json_next (rw_json_reader *r) {
  const char *p = r->text + r->at;
  while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') p++;
  r->at = (size_t)(p - r->text);
  return *p;
}


static bool is_word_byte (char c) {
  char lower = (char)(c | 0x20);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (c && strchr("+-._\\", c));
}


void rw_json_push_complaint (lua_State *L, const rw_json_reader *r) {
  const char *p = r->text + r->at;
  char seen[32] = "the end of the text";
  int word = 0;
  if (!r->at_known) {
    lua_pushstring(L, r->problem);
    return;
  }
  while (word < 12 && is_word_byte(p[word])) word++;
  if (word > 0) snprintf(seen, sizeof seen, "'%.*s'", word, p);
  else if (*p > 0x20 && *p < 0x7F) snprintf(seen, sizeof seen, "'%c'", *p);
  else if (r->at < r->len) snprintf(seen, sizeof seen, "byte 0x%02X", (unsigned)(unsigned char)*p);
  lua_pushfstring(L, "%s at byte %I, saw %s", r->problem, (LUAI_UACINT)r->at + 1, seen);
}

/* }================================================================= */


/*
** {=================================================================
** Strings
** ==================================================================
*/

static long hex4 (const char *p) {
  long unit = 0;
  for (int i = 0; i < 4; i++) {
    char lower = (char)(p[i] | 0x20);
    if (p[i] >= '0' && p[i] <= '9') unit = unit * 16 + (p[i] - '0');
    else if (lower >= 'a' && lower <= 'f') unit = unit * 16 + (lower - 'a' + 10);
    else return -1;
  }
  return unit;
}


/*
** Reads the escape at the backslash `p`: its length, both halves of a surrogate pair together, and
** what it stands for in `into`. A half alone has the length 6 and stands for nothing (*n is 0);
** 0: no escape.
*/
static size_t read_escape (const char *p, char *into, size_t *n) {
  static const char letters[] = "\"\\/bfnrt", stands_for[] = "\"\\/\b\f\n\r\t";
  const char *letter = p[1] ? strchr(letters, p[1]) : NULL;
  long unit, low;
  *n = 1;
  if (letter) {
    *into = stands_for[letter - letters];
    return 2;
  }
  if (p[1] != 'u' || (unit = hex4(p + 2)) < 0) return 0;
  *n = 0;
  if (unit >= 0xD800 && unit <= 0xDFFF) {
    low = unit < 0xDC00 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8) : -1;
    if (low < 0xDC00 || low > 0xDFFF) return 6;
    *n = rw_utf8_encode(0x10000UL + (((unsigned long)unit - 0xD800) << 10) +
                        ((unsigned long)low - 0xDC00), into);
    return 12;
  }
  *n = rw_utf8_encode((unsigned long)unit, into);
  return 6;
}


/*
** In some encodings of two bytes the second can be a backslash; that one begins no escape. Whether
** the text is in such an encoding is tried where it cannot be read otherwise.
*/
static size_t broken_length (rw_json_reader *r, size_t at) {
  unsigned char second = (unsigned char)r->text[at + 1];
  r->broken = true;
  return r->pairs && second >= 0x40 && second != 0x7F ? 2 : 1;
}


/* Appends what the bytes at `at` stand for, which is not themselves. How many they are, or 0. */
static size_t add_piece (lua_State *L, rw_json_reader *r, size_t at) {
  const char *p = r->text + at;
  char character[4];
  size_t n, len;
  if (*p == '\\') {
    len = read_escape(p, character, &n);
    if ((len == 0 || n == 0) && !r->lenient) {
      rw_json_complain(r, at, "bad escape in a string");
      return 0;
    }
    if (len == 0) rw_add(L, &r->pieces, p, len = 1);
    else if (n == 0) rw_add_text(L, &r->pieces, REPLACEMENT);
    else rw_add(L, &r->pieces, character, n);
    return len;
  }
  if (!r->lenient) {
    rw_json_complain(r, at, (unsigned char)*p < 0x20 ? "control character in a string"
                                                     : "invalid UTF-8");
    return 0;
  }
  if ((unsigned char)*p < 0x20) {
    rw_add(L, &r->pieces, p, 1);
    return 1;
  }
  rw_add_text(L, &r->pieces, REPLACEMENT);
  return broken_length(r, at);
}


/* Pushes the string whose quote is at r->at. Most hold nothing to replace and are copied once. */
bool rw_json_string (lua_State *L, rw_json_reader *r) {
  size_t start = r->at + 1, at = start, done = start, step;
  rw_buffer_clear(&r->pieces);
  while (r->text[at] != '"') {
    unsigned char c = (unsigned char)r->text[at];
    if (at == r->len) return rw_json_complain(r, at, "unfinished string");
    step = c < 0x20 || c == '\\' ? 0 : rw_utf8_length(r->text + at, r->len - at);
    if (step == 0) {
      rw_add(L, &r->pieces, r->text + done, at - done);
      step = add_piece(L, r, at);
      if (step == 0) return false;
      done = at + step;
    }
    at += step;
  }
  r->at = at + 1;
  if (r->full) {
    lua_pushliteral(L, "");
  } else if (done == start) {
    lua_pushlstring(L, r->text + start, at - start);
  } else {
    rw_add(L, &r->pieces, r->text + done, at - done);
    lua_pushlstring(L, r->pieces.data, r->pieces.len);
  }
  return true;
}

/* }================================================================= */


/*
** {=================================================================
** Numbers and words
** ==================================================================
*/

static const char *skip_digits (const char *p) {
  while (*p >= '0' && *p <= '9') p++;
  return p;
}


/* The end of the number at `p`, or NULL; *is_float: has it a fraction or an exponent? */
static const char *number_end (const char *p, bool *is_float) {
  const char *digits;
  *is_float = false;
  if (*p == '-') p++;
  digits = p;
  p = *p == '0' ? p + 1 : skip_digits(p);
  if (p == digits) return NULL;
  if (*p == '.') {
    digits = ++p;
    p = skip_digits(p);
    if (p == digits) return NULL;
    *is_float = true;
  }
  if (*p == 'e' || *p == 'E') {
    p++;
    if (*p == '+' || *p == '-') p++;
    digits = p;
    p = skip_digits(p);
    if (p == digits) return NULL;
    *is_float = true;
  }
  return is_word_byte(*p) ? NULL : p;
}


/* Lua reads floats right whatever the locale, but only with a NUL behind them. */
static bool push_float (lua_State *L, rw_json_reader *r, const char *start, size_t len) {
  rw_buffer_clear(&r->pieces);
  rw_add(L, &r->pieces, start, len);
  if (lua_stringtonumber(L, r->pieces.data) == 0) lua_pushnumber(L, HUGE_VAL);
  if (isfinite(lua_tonumber(L, -1))) return true;
  lua_pop(L, 1);
  if (!r->lenient) return rw_json_complain(r, r->at, "number out of range");
  lua_pushlightuserdata(L, NULL);
  return true;
}


static bool read_number (lua_State *L, rw_json_reader *r) {
  const char *start = r->text + r->at, *p = start + (*start == '-'), *end;
  lua_Integer n = 0;
  bool is_float;
  end = number_end(start, &is_float);
  if (!end) return rw_json_complain(r, r->at, "malformed number");
  if (is_float) {
    if (!push_float(L, r, start, (size_t)(end - start))) return false;
  } else {
    for (; p < end && n <= RW_JSON_EXACT; p++) n = n * 10 + (*p - '0');
    if (n <= RW_JSON_EXACT) lua_pushinteger(L, *start == '-' ? -n : n);
    else lua_pushlstring(L, start, (size_t)(end - start));
  }
  r->at = (size_t)(end - r->text);
  return true;
}


/* Is the word at r->at this one, in any case? Then it is passed over. */
static bool skip_word (rw_json_reader *r, const char *word, bool any_case) {
  const char *p = r->text + r->at;
  size_t n = 0;
  while (word[n] && (p[n] == word[n] || (any_case && (p[n] | 0x20) == word[n]))) n++;
  if (word[n] || is_word_byte(p[n])) return false;
  r->at += n;
  return true;
}


/* The names by which programs write what JSON has no number for. */
static bool skip_no_number (rw_json_reader *r) {
  static const char *const words[] = {"nan", "infinity", "inf"};
  size_t at = r->at;
  if (r->text[at] == '-' || r->text[at] == '+') r->at++;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (skip_word(r, words[i], true)) return true;
  r->at = at;
  return false;
}


bool rw_json_scalar (lua_State *L, rw_json_reader *r) {
  char c = r->text[r->at];
  if (c == '"') return rw_json_string(L, r);
  if (c >= '0' && c <= '9') return read_number(L, r);
  if (skip_word(r, "null", false) || (r->lenient && skip_no_number(r)))
    lua_pushlightuserdata(L, NULL);
  else if (c == '-') return read_number(L, r);
  else if (skip_word(r, "true", false)) lua_pushboolean(L, 1);
  else if (skip_word(r, "false", false)) lua_pushboolean(L, 0);
  else return rw_json_complain(r, r->at, "expected a value");
  return true;
}

/* }================================================================= */
