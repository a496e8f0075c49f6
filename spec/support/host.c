/*
** host.c: a program that embeds Lua and links runway in, for runway_spec.lua.
**
**   host THREADS SCRIPT [ARG...]
**
** Runs the script in that many threads, each with a Lua state of its own
** (THREADS 0: once, in the main thread). The script finds in `host`: fork(),
** wait(pid) -> exit code, and exit(code), which ends the process at once.
** Exit code 0 when every state ran to its end.
*/
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

#include "runway.h"

static char **arguments;


static int host_fork (lua_State *L) {
  fflush(NULL);
  lua_pushinteger(L, (lua_Integer)fork());
  return 1;
}


static int host_wait (lua_State *L) {
  int status = 0;
  (void)waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 1;
}


static int host_exit (lua_State *L) {
  fflush(NULL);
  _exit((int)luaL_checkinteger(L, 1));
}


static const luaL_Reg host_functions[] = {
  {"exit", host_exit},
  {"fork", host_fork},
  {"wait", host_wait},
  {NULL, NULL}
};


/* Runs the script in a new state; NULL when it ran to its end. */
static void *run (void *unused) {
  lua_State *L = luaL_newstate();
  int failed;
  (void)unused;
  luaL_openlibs(L);
  luaL_requiref(L, "runway", luaopen_runway, 0);
  luaL_newlib(L, host_functions);
  lua_setglobal(L, "host");
  failed = luaL_loadfile(L, arguments[2]);
  if (!failed) {
    int n = 0;
    for (; arguments[3 + n]; n++) lua_pushstring(L, arguments[3 + n]);
    failed = lua_pcall(L, n, 0, 0);
  }
  if (failed) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return failed ? arguments : NULL;
}


int main (int argc, char **argv) {
  int n = argc > 2 ? atoi(argv[1]) : -1, failed = 0;
  pthread_t threads[64];
  if (n < 0 || n > 64) return 2;
  arguments = argv;
  if (n == 0) return run(NULL) != NULL;
  for (int i = 0; i < n; i++)
    if (pthread_create(&threads[i], NULL, run, NULL) != 0) return 2;
  for (int i = 0; i < n; i++) {
    void *result = NULL;
    (void)pthread_join(threads[i], &result);
    failed |= result != NULL;
  }
  return failed;
}
