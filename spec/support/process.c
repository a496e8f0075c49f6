/*
** What a program needs that Lua does not have, for specs of how one lives and
** dies: a module for programs in a process of their own (process.lua).
**
**   fork() -> 0 in the child    wait(pid) -> exit code    exit(code), at once
**   threads(n, file, ...)       runs it in n threads, a Lua state each; the
**                               first error, or nothing
**   starve(n)                   the n-th piece of memory asked for from now on
**                               is refused to this state; starve(0) ends that
**                               -> how many were asked for since the last call
*/
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

#define MOST 16

static struct {
  lua_Alloc real;
  void *data;
  lua_Integer asked, refused;
} memory;


static void *allocate (void *unused, void *block, size_t before, size_t size) {
  (void)unused;
  if (size > 0 && (!block || size > before) && ++memory.asked == memory.refused) return NULL;
  return memory.real(memory.data, block, before, size);
}


static int process_starve (lua_State *L) {
  lua_Integer asked = memory.asked;
  if (!memory.real) {
    memory.real = lua_getallocf(L, &memory.data);
    lua_setallocf(L, allocate, NULL);
  }
  memory.asked = 0;
  memory.refused = luaL_checkinteger(L, 1);
  lua_pushinteger(L, asked);
  return 1;
}


static int process_fork (lua_State *L) {
  fflush(NULL);
  lua_pushinteger(L, (lua_Integer)fork());
  return 1;
}


static int process_wait (lua_State *L) {
  int status = 0;
  (void)waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 1;
}


static int process_exit (lua_State *L) {
  fflush(NULL);
  _exit((int)luaL_checkinteger(L, 1));
}


typedef struct {
  const char *words[MOST];     /* the file, and its arguments */
  char said[500];
} script;


static void *run (void *data) {
  script *s = data;
  lua_State *L = luaL_newstate();
  int failed, n = 0;
  luaL_openlibs(L);
  failed = luaL_loadfile(L, s->words[0]);
  if (!failed) {
    while (s->words[n + 1]) lua_pushstring(L, s->words[++n]);
    failed = lua_pcall(L, n, 0, 0);
  }
  if (failed) (void)snprintf(s->said, sizeof s->said, "%s", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return NULL;
}


static int process_threads (lua_State *L) {
  int n = (int)luaL_checkinteger(L, 1), count = lua_gettop(L) - 1;
  pthread_t threads[MOST];
  script scripts[MOST];
  luaL_argcheck(L, n > 0 && n <= MOST && count > 0 && count < MOST, 1, "too many");
  memset(scripts, 0, sizeof scripts);
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < count; j++) scripts[i].words[j] = luaL_checkstring(L, j + 2);
    if (pthread_create(&threads[i], NULL, run, &scripts[i]) != 0) abort();
  }
  for (int i = 0; i < n; i++) (void)pthread_join(threads[i], NULL);
  for (int i = 0; i < n; i++)
    if (scripts[i].said[0]) {
      lua_pushstring(L, scripts[i].said);
      return 1;
    }
  return 0;
}


static const luaL_Reg functions[] = {
  {"exit", process_exit},
  {"fork", process_fork},
  {"starve", process_starve},
  {"threads", process_threads},
  {"wait", process_wait},
  {NULL, NULL}
};


int luaopen_process (lua_State *L);

int luaopen_process (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
