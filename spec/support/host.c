/*
** host.c: a program that embeds Lua and links runway in, for runway_spec.lua.
**
**   host THREADS SCRIPT [ARG...]
**
** Runs the script in that many threads, each with a Lua state of its own
** (THREADS 0: once, in the main thread), and again in a new state for as long
** as it returns true. The script finds in `host`: fork(), wait(pid) -> exit
** code, exit(code), which ends the process at once, state(source), which runs
** that in another state beside its own and closes it, and two numbers from 1
** on: `thread`, which of them it runs in, and `round`, the how manieth state
** there.
** Exit code 0 when every state ran to its end.
*/
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

#include "runway.h"

static char **arguments;
static int is_child;


/* Asked by LeakSanitizer where it is linked in: a child of fork has none of the
** threads that it would look at. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*): its name */
int __lsan_is_turned_off (void);
int __lsan_is_turned_off (void) {
  return is_child;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */


static int host_fork (lua_State *L) {
  pid_t pid;
  fflush(NULL);
  pid = fork();
  is_child |= pid == 0;
  lua_pushinteger(L, (lua_Integer)pid);
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


static lua_State *new_state (void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "runway", luaopen_runway, 0);
  return L;
}


static int host_state (lua_State *L) {
  lua_State *other = new_state();
  int failed = luaL_dostring(other, luaL_checkstring(L, 1));
  if (failed) fprintf(stderr, "%s\n", luaL_tolstring(other, -1, NULL));
  lua_close(other);
  lua_pushboolean(L, !failed);
  return 1;
}


static const luaL_Reg host_functions[] = {
  {"exit", host_exit},
  {"fork", host_fork},
  {"state", host_state},
  {"wait", host_wait},
  {NULL, NULL}
};


/* Runs the script in a new state; true when it failed. */
static int run_once (int thread, int round, int *again) {
  lua_State *L = new_state();
  int failed;
  luaL_newlib(L, host_functions);
  lua_pushinteger(L, thread);
  lua_setfield(L, -2, "thread");
  lua_pushinteger(L, round);
  lua_setfield(L, -2, "round");
  lua_setglobal(L, "host");
  failed = luaL_loadfile(L, arguments[2]);
  if (!failed) {
    int n = 0;
    for (; arguments[3 + n]; n++) lua_pushstring(L, arguments[3 + n]);
    failed = lua_pcall(L, n, 1, 0);
  }
  if (failed) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  *again = !failed && lua_toboolean(L, -1);
  lua_close(L);
  return failed;
}


/* One thread's states, one after the other; NULL when all ran to their end. */
static void *run (void *thread) {
  int round = 0, again = 0, failed;
  do {
    failed = run_once((int)(intptr_t)thread, ++round, &again);
  } while (again);
  return failed ? arguments : NULL;
}


int main (int argc, char **argv) {
  int n = argc > 2 ? (int)strtol(argv[1], NULL, 10) : -1, failed = 0;
  pthread_t threads[64];
  if (n < 0 || n > 64) return 2;
  arguments = argv;
  if (n == 0) return run((void *)1) != NULL;
  for (int i = 0; i < n; i++)
    if (pthread_create(&threads[i], NULL, run, (void *)(intptr_t)(i + 1)) != 0) return 2;
  for (int i = 0; i < n; i++) {
    void *result = NULL;
    (void)pthread_join(threads[i], &result);
    failed |= result != NULL;
  }
  return failed;
}
