/*
** lua_json_scan.c: the strict pass over a JSON text, on which lua_json.c builds.
** RFC 8259 to the letter; UTF-8 by RFC 3629; escapes name whole characters.
*/
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lua_compat.h"
#include "lua_json_scan.h"


/* ---- Text in the making ---- */

void rw_out_open (Out *out, lua_State *L, size_t cap) {
  out->L = L;
  out->data = lua_newuserdatauv(L, cap, 0);
  out->slot = lua_gettop(L);
  out->len = 0;
  out->cap = cap;
}

void rw_out_add (Out *out, const char *bytes, size_t len) {
  if (len > out->cap - out->len) {
    if (len > SIZE_MAX / 8 || out->cap > SIZE_MAX / 8)
      luaL_error(out->L, "JSON text too long");
    size_t cap = 2 * (out->cap + len);
    char *data = lua_newuserdatauv(out->L, cap, 0);
    memcpy(data, out->data, out->len);
    lua_replace(out->L, out->slot);     /* the old one is the collector's from here on */
    out->data = data;
    out->cap = cap;
  }
  memcpy(out->data + out->len, bytes, len);
  out->len += len;
}

void rw_out_literal (Out *out, const char *text) {
  rw_out_add(out, text, strlen(text));
}

size_t rw_utf8_length (const char *text, size_t left) {
  const unsigned char *s = (const unsigned char *)text;
  unsigned lead = s[0];
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  size_t len = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (len > left) return 0;
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (s[1] < low || s[1] > high) return 0;
  for (size_t i = 2; i < len; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  return len;
}


/* ---- The pass ---- */

static bool complain (Scanner *s, size_t at, const char *problem) {
  s->at = at;
  s->problem = problem;
  return false;
}

static void copy_upto (Scanner *s, size_t at) {
  rw_out_add(&s->out, s->text + s->copied, at - s->copied);
  s->copied = at;
}

static char next_token (Scanner *s) {
  const char *p = s->text + s->at;
  while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') p++;
  s->at = (size_t)(p - s->text);
  return *p;
}

static bool is_word (char c) {
  char lower = (char)(c | 0x20);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (c && strchr("+-._\\", c));
}

static const char *skip_digits (const char *p) {
  while (*p >= '0' && *p <= '9') p++;
  return p;
}

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

/* Length of the escape at the backslash `p`, both halves of a surrogate pair together; 0 if bad. */
static size_t escape_length (const char *p) {
  if (p[1] != 'u') return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
  long unit = hex4(p + 2);
  if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return 0;
  if (unit < 0xD800 || unit > 0xDFFF) return 6;
  if (p[6] != '\\' || p[7] != 'u') return 0;
  unit = hex4(p + 8);
  return unit >= 0xDC00 && unit <= 0xDFFF ? 12 : 0;
}

static bool begins_with_mark (const char *p) {
  return *p == RW_JSON_MARK || (strncmp(p, "\\u007", 5) == 0 && (p[5] | 0x20) == 'f');
}

static bool scan_string (Scanner *s, bool is_value) {
  size_t at = s->at + 1, step;
  if (is_value && begins_with_mark(s->text + at)) {
    copy_upto(s, at);
    rw_out_add(&s->out, (char[]){RW_JSON_MARK}, 1);
  }
  for (; s->text[at] != '"'; at += step) {
    unsigned char c = (unsigned char)s->text[at];
    if (c == '\\') {
      step = escape_length(s->text + at);
      if (step == 0) return complain(s, at, "bad escape in a string");
    } else if (c < 0x20) {
      return complain(s, at, at == s->len ? "unfinished string" : "control character in a string");
    } else {
      step = rw_utf8_length(s->text + at, s->len - at);
      if (step == 0) return complain(s, at, "invalid UTF-8");
    }
  }
  s->at = at + 1;
  return true;
}

/* Lua reads numbers right whatever the locale, but only from strings of its own. */
static bool fits_float (lua_State *L, const char *token, size_t len) {
  int top = lua_gettop(L);
  const char *number = lua_pushlstring(L, token, len);
  bool fits = lua_stringtonumber(L, number) != 0 && isfinite(lua_tonumber(L, -1));
  lua_settop(L, top);
  return fits;
}

static bool scan_number (Scanner *s) {
  const char *start = s->text + s->at, *p = start, *digits;
  bool is_float = false;
  if (*p == '-') p++;
  digits = p;
  p = *p == '0' ? p + 1 : skip_digits(p);
  bool good = p > digits;
  if (good && *p == '.') {
    digits = ++p;
    p = skip_digits(p);
    good = p > digits;
    is_float = true;
  }
  if (good && (*p == 'e' || *p == 'E')) {
    p++;
    if (*p == '+' || *p == '-') p++;
    digits = p;
    p = skip_digits(p);
    good = p > digits;
    is_float = true;
  }
  if (!good || is_word(*p)) return complain(s, s->at, "malformed number");
  size_t end = s->at + (size_t)(p - start);
  if (is_float && !fits_float(s->out.L, start, (size_t)(p - start)))
    return complain(s, s->at, "number out of range");
  copy_upto(s, s->at);
  rw_out_add(&s->out, (char[]){'"', RW_JSON_MARK}, 2);
  copy_upto(s, end);
  rw_out_literal(&s->out, "\"");
  s->at = end;
  return true;
}

static bool scan_scalar (Scanner *s) {
  static const char *const words[] = { "true", "false", "null" };
  char c = s->text[s->at];
  if (c == '"') return scan_string(s, true);
  if (c == '-' || (c >= '0' && c <= '9')) return scan_number(s);
  for (size_t i = 0; i < 3; i++) {
    size_t len = strlen(words[i]);
    if (strncmp(s->text + s->at, words[i], len) == 0 && !is_word(s->text[s->at + len])) {
      s->at += len;
      return true;
    }
  }
  return complain(s, s->at, "expected a value");
}

static bool scan_name (Scanner *s) {
  if (next_token(s) != '"') return complain(s, s->at, "expected a field name in quotes");
  if (!scan_string(s, false)) return false;
  if (next_token(s) != ':') return complain(s, s->at, "expected ':'");
  s->at++;
  return true;
}

/* Behind a value: closes what ends here. True if there is one more value to come, or if the
** document is complete (depth 0); false with a problem. */
static bool scan_closing (Scanner *s) {
  while (s->depth > 0) {
    bool in_object = s->open[s->depth - 1] == '{';
    char c = next_token(s);
    if (c == ',') {
      s->at++;
      return in_object ? scan_name(s) : true;
    }
    if (c != (in_object ? '}' : ']'))
      return complain(s, s->at, in_object ? "expected ',' or '}'" : "expected ',' or ']'");
    s->at++;
    s->depth--;
  }
  return true;
}

/* The whole text; a loop, not a recursion, so that depth costs the server more than us. */
static bool scan_document (Scanner *s) {
  do {
    char c = next_token(s);
    if (c == '[' || c == '{') {
      size_t start = s->at;
      if (s->depth == RW_JSON_DEPTH) return complain(s, start, "nested too deeply");
      s->open[s->depth++] = c;
      s->at++;
      char first = next_token(s);
      if (c == '[' && first != ']') continue;
      if (c == '{' && first != '}') {
        if (!scan_name(s)) return false;
        continue;
      }
      s->at++;
      s->depth--;
      if (c == '[') {
        copy_upto(s, start);
        rw_out_add(&s->out, (char[]){'"', RW_JSON_MARK, '[', ']', '"'}, 5);
        s->copied = s->at;
      }
    } else if (!scan_scalar(s)) {
      return false;
    }
    if (!scan_closing(s)) return false;
  } while (s->depth > 0);
  next_token(s);
  if (s->at < s->len) return complain(s, s->at, "expected the end");
  copy_upto(s, s->len);
  return true;
}

/* What a text is that is not JSON at all, told by how it begins; NULL if nothing is wrong yet. */
static const char *not_json (Scanner *s) {
  const char *b = s->text;
  if (s->len >= 3 && memcmp(b, "\xEF\xBB\xBF", 3) == 0) return "begins with a byte order mark";
  if (s->len >= 2 && (!b[0] || !b[1] || !memcmp(b, "\xFE\xFF", 2) || !memcmp(b, "\xFF\xFE", 2)))
    return "UTF-16 or UTF-32, not UTF-8";
  if (next_token(s) == '<') return "HTML or XML, not JSON";
  return s->at == s->len ? "empty" : NULL;
}

bool rw_scan_text (Scanner *s) {
  s->problem = not_json(s);
  s->at_known = s->problem == NULL;
  if (s->problem || !scan_document(s)) return false;
  if (s->out.len <= INT_MAX / 2) return true;           /* lua-cjson counts bytes in an int */
  s->problem = "JSON text too long";
  s->at_known = false;
  return false;
}

void rw_scan_complain (lua_State *L, const Scanner *s) {
  const char *p = s->text + s->at;
  char seen[32] = "the end of the text";
  if (!s->at_known) {
    lua_pushstring(L, s->problem);
    return;
  }
  int word = 0;
  while (word < 12 && is_word(p[word])) word++;
  if (word > 0) snprintf(seen, sizeof seen, "'%.*s'", word, p);
  else if (*p > 0x20 && *p < 0x7F) snprintf(seen, sizeof seen, "'%c'", *p);
  else if (s->at < s->len) snprintf(seen, sizeof seen, "byte 0x%02X", (unsigned)(unsigned char)*p);
  lua_pushfstring(L, "%s at byte %I, saw %s", s->problem, (LUAI_UACINT)s->at + 1, seen);
}
