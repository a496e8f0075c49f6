/*
** Loaded after a sanitizer's run-time library, this takes LD_PRELOAD away again before main: what the
** process starts (a shell, openssl, ffprobe) then runs as it is. Some of it would not survive.
*/

#include <stdlib.h>

__attribute__((constructor)) static void unpreload (void) {
  unsetenv("LD_PRELOAD");
}
