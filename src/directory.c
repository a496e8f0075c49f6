/*
** directory.c: a directory that is there when it is needed.
*/
#include "system.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "directory.h"


static bool is_directory (const char *path) {
  struct stat seen;
  return stat(path, &seen) == 0 && S_ISDIR(seen.st_mode);
}


/* One level. Others may make the same at the same time. */
static int make_one (const char *path) {
  if (mkdir(path, 0777) == 0) return 0;
  int error = errno;
  if (is_directory(path)) return 0;
  return error == EEXIST ? ENOTDIR : error;
}


int rw_directory_make (const char *path) {
  if (is_directory(path)) return 0;
  char *copy = strdup(path);
  if (copy == NULL) return ENOMEM;
  int error = 0;
  for (char *at = copy + 1; error == 0 && *copy != '\0' && *at != '\0'; at++) {
    if (*at != '/') continue;
    *at = '\0';
    if (!is_directory(copy)) error = make_one(copy);
    *at = '/';
  }
  if (error == 0) error = make_one(path);
  free(copy);
  return error;
}
