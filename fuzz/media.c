/*
** media.c: a local file on its way into a request: what it is, and it as a data URI.
*/
#include "system.h"

#include <unistd.h>

#include "cut.h"
#include "fuzz.h"
#include "media.h"

static char path[64];

static void write_file (const uint8_t *data, size_t size) {
  FILE *f;
  if (!path[0]) (void)snprintf(path, sizeof path, "/tmp/runway-fuzz-%ld.mp4", (long)getpid());
  f = fopen(path, "wb");
  must(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  rw_request *r = rw_request_new();
  rw_buffer out = {0};
  rw_error e = {0};
  must(r);
  write_file(data, size);
  r->op = RW_PROBE;
  r->file = strdup(path);
  must(r->file);
  rw_media_probe(r);
  must((r->error.kind == RW_OK) == (r->media_type[0] != '\0'));
  if (r->picture.width != 0)
    must(r->picture.height != 0 && r->picture.turn >= 1 && r->picture.turn <= 8);
  if (rw_media_append(&out, path, &e)) {
    must(r->error.kind == RW_OK && (size_t)r->media_size == size);
    must(strncmp(out.data + 5, r->media_type, strlen(r->media_type)) == 0);
    must(strlen(out.data) == out.len);
    must(rw_cut_before(&(rw_cut_bytes){-1, strchr(out.data, ',') + 1, size}, r->media_type) == r->media_cut);
  }
  rw_buffer_free(&out);
  rw_request_free(r);
  (void)unlink(path);
  return 0;
}
