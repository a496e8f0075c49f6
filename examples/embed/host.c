/*
** host.c: a program with Lua and runway in it, and a loop of 60 frames a second:
** makes a clip, and says how many frames went by meanwhile and how long the
** longest of runway's steps took.
**
**   make static
**   cc -std=c11 -O2 -Ibuild $(pkg-config --cflags lua5.4) examples/embed/host.c -o build/host build/librunway.a $(pkg-config --libs lua5.4 libcurl) -pthread -lm
**   build/host clip.mp4
**
** The account is the one of RUNWAYML_API_SECRET; RUNWAYML_BASE_URL may lead to a
** sandbox. Needs no Lua file of runway's when it runs, only lua-cjson, which is found
** by package.cpath, or linked in and made known as runway is here.
*/
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "runway.h"

#define FRAMES_A_SECOND 60

/* What the host has of runway: begin(path), frame() -> is it over?, and result(). */
static const char script[] =
  "local runway = require 'runway'\n"
  "assert(runway.preload())\n"                     /* while the program loads */
  "local client = assert(runway.client {})\n"
  "local job\n"
  "function begin(path)\n"
  "  job = runway.spawn(function()\n"
  "    local task = assert(client:generate { model = 'gen4.5', ratio = '1280:720', duration = 5,\n"
  "      prompt_text = 'a lighthouse in fog, slow dolly in', output = path })\n"
  "    assert(task:wait())\n"
  "    return assert(task:download()).path\n"
  "  end)\n"
  "end\n"
  "function frame()\n"
  "  runway.step(0)\n"
  "  return job:done()\n"
  "end\n"
  "function result() return assert(job:join()) end\n";


static double seconds_now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}


static void sleep_until (double then) {
  double left = then - seconds_now();
  struct timespec t;
  if (left <= 0) return;
  t.tv_sec = (time_t)left;
  t.tv_nsec = (long)((left - (double)t.tv_sec) * 1e9);
  nanosleep(&t, NULL);
}


/* Calls a function of the script; its only result is left on the stack. False: the error is. */
static int call (lua_State *L, const char *name, const char *argument) {
  lua_getglobal(L, name);
  lua_pushstring(L, argument);
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
}


int main (int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "clip.mp4";
  double longest = 0, next;
  long frames = 0;
  int over = 0, ok;
  lua_State *L = luaL_newstate();
  if (!L) return 1;
  luaL_openlibs(L);
  luaL_requiref(L, "runway", luaopen_runway, 0);   /* `require "runway"` finds it from now on */
  lua_settop(L, 0);
  ok = luaL_dostring(L, script) == LUA_OK && call(L, "begin", path);
  next = seconds_now();
  while (ok && !over) {
    double began = seconds_now(), took;
    ok = call(L, "frame", NULL);
    took = seconds_now() - began;
    if (took > longest) longest = took;
    over = ok && lua_toboolean(L, -1);
    if (ok) lua_settop(L, 0);
    frames++;                                      /* ... update, draw ... */
    sleep_until(next += 1.0 / FRAMES_A_SECOND);
  }
  ok = ok && call(L, "result", NULL);
  if (ok)
    printf("%s after %ld frames, of which runway took %.3f ms at most\n", lua_tostring(L, -1), frames, longest * 1e3);
  else
    fprintf(stderr, "host: %s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return ok ? 0 : 1;
}
