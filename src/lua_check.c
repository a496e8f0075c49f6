/*
** lua_check.c: URLs, data URIs, proxies and places for files, looked at for Lua.
*/
#include "system.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cut.h"
#include "data_uri.h"
#include "file.h"
#include "header.h"
#include "lua_buffer.h"
#include "lua_check.h"
#include "lua_request.h"
#include "proxy.h"
#include "request.h"
#include "sink.h"
#include "sniff.h"
#include "url.h"


const char *rw_check_path (lua_State *L, int arg, size_t *n) {
  const char *path = luaL_checklstring(L, arg, n);
  luaL_argcheck(L, strlen(path) == *n, arg, "the path holds a NUL byte");
  return path;
}


/* url(url) -> { scheme=, host=, port=, loopback= } | nil, message */
static int core_url (lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  rw_url url;
  const char *refused = rw_url_check(s, n, &url);
  if (refused) {
    lua_pushnil(L);
    lua_pushstring(L, refused);
    return 2;
  }
  lua_createtable(L, 0, 4);
  lua_pushstring(L, url.scheme);
  lua_setfield(L, -2, "scheme");
  lua_pushstring(L, url.host);
  lua_setfield(L, -2, "host");
  lua_pushstring(L, url.port);
  lua_setfield(L, -2, "port");
  lua_pushboolean(L, url.loopback);
  lua_setfield(L, -2, "loopback");
  return 1;
}


/* proxy(text) -> what may be shown of it | nil, why it cannot be a proxy */
static int core_proxy (lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  const char *why = strlen(text) == n ? rw_proxy_check(text)
                                      : "it holds a NUL byte";
  char name[300];
  if (why) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  rw_proxy_name(text, name, sizeof name);
  lua_pushstring(L, name);
  return 1;
}


/*
** target(path, overwrite) -> true | nil, message: could a download be put there?
** As the engine's `try` looks, but the caller waits for it.
*/
static int core_target (lua_State *L) {
  size_t n;
  const char *path = rw_check_path(L, 1, &n);
  char why[RW_SINK_WHY];
  rw_request *r;
  int err;
  r = rw_push_request(L);                /* its box releases the sink */
  r->sink.path = rw_copy(L, path, n);
  r->sink.overwrite = lua_toboolean(L, 2) != 0;
  err = rw_sink_try(&r->sink);
  if (err) {
    lua_pushnil(L);
    rw_sink_why(&r->sink, err, why, sizeof why);
    lua_pushstring(L, why);
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}


/* readable(path) -> true | nil, why it is no plain file that can be read */
static int core_readable (lua_State *L) {
  size_t n;
  int64_t size;
  const char *path = rw_check_path(L, 1, &n);
  int fd = rw_file_open(path, &size);
  if (fd < 0) {
    lua_pushnil(L);
    lua_pushstring(L, errno == EINVAL ? "not a plain file" : strerror(errno));
    return 2;
  }
  close(fd);
  lua_pushboolean(L, 1);
  return 1;
}


/* executable(path) -> is it a file that may be run? */
static int core_executable (lua_State *L) {
  size_t n;
  const char *path = rw_check_path(L, 1, &n);
  struct stat seen;
  lua_pushboolean(L, stat(path, &seen) == 0 && S_ISREG(seen.st_mode) && access(path, X_OK) == 0);
  return 1;
}


/* same(path, other) -> do both lead to one file, or directory? */
static int core_same (lua_State *L) {
  size_t n;
  struct stat one, other;
  const char *path = rw_check_path(L, 1, &n), *another = rw_check_path(L, 2, &n);
  lua_pushboolean(L, stat(path, &one) == 0 && stat(another, &other) == 0 &&
                     one.st_ino == other.st_ino && one.st_dev == other.st_dev);
  return 1;
}


/* The data URI at index 1 as an API takes it: itself when it is so already. */
static void push_tidied (lua_State *L, const rw_data_uri *uri, const char *type) {
  size_t n, len = rw_data_uri_tidied(uri);
  const char *given = lua_tolstring(L, 1, &n);
  rw_buffer *made = rw_push_buffer(L);   /* on the stack */
  rw_add_text(L, made, "data:");
  rw_add_text(L, made, type);
  rw_add_text(L, made, ";base64,");
  if (uri->tidy && n == made->len + len && memcmp(given, made->data, made->len) == 0) {
    lua_pushvalue(L, 1);
  } else {
    if (!rw_buffer_reserve(made, len)) rw_no_memory(L);
    rw_data_uri_tidy(uri, made->data + made->len);
    lua_pushlstring(L, made->data, made->len + len);
  }
  rw_buffer_free(made);
  lua_remove(L, -2);
}


/* What of a picture is missing at the end of the data URI that lies on top, in
** words; NULL: nothing that is known. */
static const char *uri_cut_before (lua_State *L, const rw_data_uri *uri, const char *type) {
  size_t n;
  const char *tidied = lua_tolstring(L, -1, &n);
  rw_cut_bytes bytes = {-1, tidied + n - rw_data_uri_tidied(uri), uri->count * 3 / 4};
  return rw_cut_before(&bytes, type);
}


/*
** data_uri(text) -> { uri=, type=, animated=, words=, cut= } | nil, why it is none.
** `type` is what the bytes are; where they are of no known kind, what it says
** that they are ("" when it says nothing), and `words` is what else they are
** ("JSON", "an HTML page", "text"), if that can be told. `uri` is written as an
** API takes it. `animated` as of a file. `cut`: what a picture ends before.
*/
static int core_data_uri (lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n), *why, *type, *words = NULL;
  char head[RW_SNIFF], declared[RW_DATA_URI_TYPE + 1];
  rw_data_uri uri;
  lua_settop(L, 1);
  if ((why = rw_data_uri_read(&uri, text, n)) != NULL) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  n = rw_data_uri_decode(&uri, head, sizeof head);
  rw_header_lower(declared, uri.type, uri.type_len);
  declared[uri.type_len] = '\0';
  type = rw_sniff_media(head, n);
  if (type && strcmp(type, "video/mp4") == 0 && strncmp(declared, "audio/", 6) == 0) {
    type = "audio/mp4";                  /* the container does not tell */
  } else if (!type) {
    words = rw_sniff_text(head, n);
    type = declared;
  }
  lua_createtable(L, 0, 4);
  push_tidied(L, &uri, type);
  lua_pushstring(L, uri_cut_before(L, &uri, type));
  lua_setfield(L, 2, "cut");
  lua_setfield(L, 2, "uri");
  lua_pushstring(L, type);
  lua_setfield(L, 2, "type");
  lua_pushstring(L, words);
  lua_setfield(L, 2, "words");
  if (rw_sniff_moves(head, n)) {
    lua_pushboolean(L, 1);
    lua_setfield(L, 2, "animated");
  }
  return 1;
}


/* words(bytes) -> what somebody's words they are ("JSON", "text", …) and their
** first line | nil: of a film, or of nothing that can be told */
static int core_words_of (lua_State *L) {
  size_t n;
  const char *head = luaL_checklstring(L, 1, &n), *words;
  char line[160];
  if (n > RW_SNIFF) n = RW_SNIFF;
  words = rw_sniff_text(head, n);
  lua_pushstring(L, words);
  if (!words) return 1;
  rw_sniff_line(head, n, line, sizeof line);
  lua_pushstring(L, line);
  return 2;
}


/*
** terminal(stream) -> does "stdin", "stdout" or "stderr" (the default) end on
** one?, how many columns and rows it has (nil: it does not tell)
*/
static int core_terminal (lua_State *L) {
  static const char *const names[] = {"stdin", "stdout", "stderr", NULL};
  static const int fds[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  int fd = fds[luaL_checkoption(L, 1, "stderr", names)];
  struct winsize size;
  lua_pushboolean(L, isatty(fd));
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 1;
  lua_pushinteger(L, size.ws_col);
  if (size.ws_row == 0) return 2;
  lua_pushinteger(L, size.ws_row);
  return 3;
}


/* working_directory() -> path | nil */
static int core_working_directory (lua_State *L) {
  char path[4096];
  if (!getcwd(path, sizeof path)) return 0;
  lua_pushstring(L, path);
  return 1;
}


static const luaL_Reg core_checks[] = {
  {"data_uri", core_data_uri},
  {"executable", core_executable},
  {"proxy", core_proxy},
  {"readable", core_readable},
  {"same", core_same},
  {"target", core_target},
  {"terminal", core_terminal},
  {"url", core_url},
  {"words", core_words_of},
  {"working_directory", core_working_directory},
  {NULL, NULL}
};


void rw_add_checks (lua_State *L) {
  luaL_setfuncs(L, core_checks, 0);
}
