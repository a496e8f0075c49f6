/*
** lua_marks.c: by what things are known again, for Lua.
*/
#include "system.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

#include "lua_marks.h"
#include "sha256.h"


/* sha256(text) -> its sum in hexadecimal digits */
static int core_sha256 (lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  char hex[RW_SHA256_HEX + 1];
  rw_sha256 s;
  rw_sha256_begin(&s);
  rw_sha256_add(&s, text, n);
  rw_sha256_end(&s, hex);
  lua_pushlstring(L, hex, RW_SHA256_HEX);
  return 1;
}


/* hmac(key, text, …) -> the HMAC-SHA256 of the texts, one behind the other, as 32 bytes */
static int core_hmac (lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  unsigned char mac[RW_SHA256_BYTES];
  rw_hmac h;
  rw_hmac_begin(&h, text, n);
  for (int i = 2; i <= lua_gettop(L); i++) {
    text = luaL_checklstring(L, i, &n);
    rw_hmac_add(&h, text, n);
  }
  rw_hmac_end(&h, mac);
  lua_pushlstring(L, (const char *)mac, sizeof mac);
  return 1;
}


/* equal(a, b) -> are both one text? In a time that tells of their lengths and nothing else */
static int core_equal (lua_State *L) {
  size_t n, m;
  const char *a = luaL_checklstring(L, 1, &n), *b = luaL_checklstring(L, 2, &m);
  volatile unsigned char differs = n != m;
  for (size_t i = 0; n == m && i < n; i++)
    differs = (unsigned char)(differs | (unsigned char)(a[i] ^ b[i]));
  lua_pushboolean(L, !differs);
  return 1;
}


/* token() -> 32 hexadecimal digits that no one can guess; raises where the system has none */
static int core_token (lua_State *L) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[16];
  char hex[2 * sizeof bytes];
  if (getentropy(bytes, sizeof bytes) != 0)
    return luaL_error(L, "the system gives no random bytes: %s", strerror(errno));
  for (size_t i = 0; i < sizeof bytes; i++) {
    hex[2 * i] = digits[bytes[i] >> 4];
    hex[2 * i + 1] = digits[bytes[i] & 15];
  }
  lua_pushlstring(L, hex, sizeof hex);
  return 1;
}


/* wall_ms() -> the time of day as Unix milliseconds: for what several processes read,
** never for a time-out */
static int core_wall_ms (lua_State *L) {
  struct timespec t;
  (void)clock_gettime(CLOCK_REALTIME, &t);
  lua_pushinteger(L, (lua_Integer)t.tv_sec * 1000 + t.tv_nsec / 1000000);
  return 1;
}


static const luaL_Reg core_marks[] = {
  {"equal", core_equal},
  {"hmac", core_hmac},
  {"sha256", core_sha256},
  {"token", core_token},
  {"wall_ms", core_wall_ms},
  {NULL, NULL}
};


void rw_add_marks (lua_State *L) {
  luaL_setfuncs(L, core_marks, 0);
}
