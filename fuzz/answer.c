/*
** answer.c: whatever a server sends, through libcurl and our callbacks to the result
** that Lua sees. Input: a byte that says what was asked for, and the server's bytes,
** which come over a socket that is connected already.
*/
#include "system.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#include "fuzz.h"
#include "handles.h"
#include "idle.h"
#include "lua_result.h"
#include "outcome.h"
#include "stage.h"
#include "transfer.h"

#define MOST_BODY 20000

enum { PAID = 1, FILE_WANTED = 2, MEDIA_ONLY = 4, HEAD_ONLY = 8, TRICKLE = 16 };

static const uint8_t *server_says;
static size_t server_bytes;
static unsigned asked;
static char target[64];
static atomic_bool ending;               /* never: there is no network here that ends */

/* A connection whose other end has said all that it will ever say. */
static curl_socket_t connected (void *data, curlsocktype purpose, struct curl_sockaddr *a) {
  int ends[2];
  (void)data; (void)purpose; (void)a;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return CURL_SOCKET_BAD;
  for (size_t at = 0; at < server_bytes;) {
    ssize_t n = send(ends[1], server_says + at, server_bytes - at, MSG_DONTWAIT);
    if (n <= 0) break;                   /* more than the system keeps */
    at += (size_t)n;
  }
  (void)shutdown(ends[1], SHUT_WR);
  /* what is asked must have somewhere to go: it is dropped with the pair */
  must(dup2(ends[1], 900) == 900);
  close(ends[1]);
  return ends[0];
}

/* In the place of the system's: it is connected already. libcurl 7.88 forgets that when
** it is told so (CURL_SOCKOPT_ALREADY_CONNECTED). */
int connect (int fd, const struct sockaddr *to, socklen_t size) {
  (void)fd; (void)to; (void)size;
  return 0;
}

static int close_plainly (void *data, curl_socket_t fd) {
  (void)data;
  return close(fd);
}

static rw_handles handles;     /* so that one exchange meets what another has left on its handle */

static rw_request *request (rw_stats *stats, rw_idle *idle, bool *stirred) {
  rw_request *r = rw_request_new();
  must(r);
  r->url = strdup("http://127.0.0.1:9/v1/tasks");
  r->method = strdup(asked & PAID ? "POST" : asked & HEAD_ONLY ? "HEAD" : "GET");
  r->gate = asked & PAID;
  r->allow_http = r->loopback = true;
  r->only_media = asked & MEDIA_ONLY;
  r->timeout_ms = 5000;
  r->max_body = MOST_BODY;
  r->stats = stats;
  r->idle = idle;
  r->handles = &handles;
  r->stirred = stirred;
  r->ending = &ending;
  if (asked & FILE_WANTED) {
    r->sink.path = strdup(target);
    r->sink.max_bytes = MOST_BODY;
    r->sink.overwrite = true;
  }
  must(r->url && r->method);
  return r;
}

static void exchange (rw_request *r) {
  CURLcode code;
  if (!rw_transfer_begin(r)) return;
  (void)curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETFUNCTION, connected);
  (void)curl_easy_setopt(r->easy, CURLOPT_CLOSESOCKETFUNCTION, close_plainly);
  (void)curl_easy_setopt(r->easy, CURLOPT_FRESH_CONNECT, 1L);
  (void)curl_easy_setopt(r->easy, CURLOPT_FORBID_REUSE, 1L);
  do {
    code = curl_easy_perform(r->easy);
    must(code != CURLE_COULDNT_CONNECT);
  } while (rw_transfer_again(r, code));
  rw_transfer_end(r, code);
}

static void show (const rw_request *r) {
  static lua_State *L;
  if (!L) L = luaL_newstate();
  must(L);
  rw_push_result(L, r);
  lua_settop(L, 0);
  (void)lua_gc(L, LUA_GCCOLLECT, 0);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  rw_stats stats = {0};
  rw_idle idle = {0};
  bool stirred = false, file;
  rw_request *r;
  if (size == 0) return 0;
  if (!target[0])
    (void)snprintf(target, sizeof target, "/tmp/runway-fuzz-%ld.mp4", (long)getpid());
  asked = data[0];
  server_says = data + 1;
  server_bytes = size - 1;
  r = request(&stats, &idle, &stirred);
  if (r->sink.path) rw_stage_prepare(r);
  if (r->error.kind == RW_OK) exchange(r);
  file = rw_stage_to_commit(r);
  must(r->body.len <= MOST_BODY && r->sink.written <= MOST_BODY);
  must(!file || (r->status == 200 && r->sink.written > 0));
  must(r->error.kind != RW_OK || r->status >= 100);
  must(!r->gate || r->passes <= 2);      /* asked twice, passed once */
  must(!r->gate || stats.sent <= 1);
  if (file) rw_stage_commit(r);
  else rw_stage_release(r);
  must((access(target, F_OK) == 0) == file || errno != ENOENT);
  show(r);
  rw_request_free(r);
  (void)unlink(target);
  return 0;
}
