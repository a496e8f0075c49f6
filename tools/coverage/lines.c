/*
** lines.c: counts the lines of lua/ that run, for tools/coverage/lua.sh.
**
** Loaded by LUA_INIT into each Lua that a spec starts. A hook of C's is handed
** on to every coroutine, also to those that C makes, which one of Lua's would
** not be. At the end of a process the lines are written to RUNWAY_LINES/PID,
** "file:line" each; what a process that is killed has run is not known.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#define FILES 500                          /* more than lua/ has */
#define LINES 2000                         /* more than any of them */

static struct {
  char name[256];                          /* below lua/ */
  unsigned char ran[LINES];
} files[FILES];

static int last;                           /* where the last line was found */


/* The place of a file of ours; -1 of any other. */
static int place (const char *source) {
  const char *name = strstr(source, "/lua/runway/");
  if (*source != '@' || !name || strlen(name) >= sizeof files->name) return -1;
  name += strlen("/lua/");
  if (strcmp(files[last].name, name) == 0) return last;
  for (int i = 0; i < FILES; i++) {
    if (*files[i].name == '\0') (void)snprintf(files[i].name, sizeof files[i].name, "%s", name);
    if (strcmp(files[i].name, name) == 0) return last = i;
  }
  return -1;
}


static void count (lua_State *L, lua_Debug *ar) {
  int at;
  if (!lua_getinfo(L, "S", ar)) return;
  at = place(ar->source);
  if (at >= 0 && ar->currentline > 0 && ar->currentline < LINES) files[at].ran[ar->currentline] = 1;
}


static void write_lines (void) {
  char path[512];
  FILE *f;
  snprintf(path, sizeof path, "%s/%ld", getenv("RUNWAY_LINES"), (long)getpid());
  f = fopen(path, "a");
  if (!f) return;
  for (int i = 0; i < FILES && *files[i].name; i++)
    for (int line = 0; line < LINES; line++)
      if (files[i].ran[line]) fprintf(f, "%s:%d\n", files[i].name, line);
  fclose(f);
}


__attribute__((visibility("default"))) int luaopen_lines (lua_State *L) {
  static int begun;
  if (!begun && getenv("RUNWAY_LINES")) begun = atexit(write_lines) == 0;
  if (begun) lua_sethook(L, count, LUA_MASKLINE, 0);
  return 0;
}
