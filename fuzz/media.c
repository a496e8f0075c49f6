/*
** media.c: a local file on its way into a request: what it is, and it as a data URI.
*/
#include "system.h"

#include <unistd.h>

#include "body.h"
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

/* A body of nothing but the file, read in pieces of whatever size into `out`: as long as it was said to be. */
static void read_as_body (rw_request *r, size_t room, rw_buffer *out) {
  char piece[64];
  int64_t length;
  ssize_t n;
  rw_part *part = calloc(1, sizeof *part);
  char *name = strdup(path);
  must(part && name);
  part->path = name;
  part->fd = -1;
  r->parts = part;
  r->nparts = 1;
  if (!rw_body_open(r)) return;
  length = rw_body_length(r);
  while ((n = rw_body_read(r, piece, room)) > 0) must(rw_buffer_append(out, piece, (size_t)n));
  must(n == 0 && out->len == (size_t)length && rw_buffer_append(out, "", 1));
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  rw_request *r = rw_request_new();
  must(r);
  write_file(data, size);
  r->op = RW_PROBE;
  r->file = strdup(path);
  must(r->file);
  rw_media_probe(r);
  must((r->error.kind == RW_OK) == (r->media_type[0] != '\0'));
  if (r->picture.width != 0)
    must(r->picture.height != 0 && r->picture.turn >= 1 && r->picture.turn <= 8);
  if (r->error.kind == RW_OK) {
    rw_buffer out = {0};
    read_as_body(r, size % 63 + 1, &out);
    must(r->error.kind == RW_OK && (size_t)r->media_size == size);
    must(strcmp(r->parts->type, r->media_type) == 0);
    const char *comma = out.data ? strchr(out.data, ',') : NULL;
    must(comma && rw_cut_before(&(rw_cut_bytes){-1, comma + 1, size}, r->media_type) == r->media_cut);
    rw_buffer_free(&out);
  }
  rw_request_free(r);
  (void)unlink(path);
  return 0;
}
