/*
** film.c: how long a film says that it is.
*/
#include "system.h"

#include <sys/mman.h>
#include <unistd.h>

#include "film.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  int fd = memfd_create("film", 0);
  int64_t lacks;
  must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
  lacks = rw_film_lacks(fd, (int64_t)size);
  must(lacks >= 0);
  close(fd);
  return 0;
}
