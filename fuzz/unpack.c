/*
** unpack.c: a packed body. Input: its Content-Encoding on a line, and the body.
*/
#include "system.h"
#include "fuzz.h"
#include "unpack.h"

#define MOST 100000

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  char *coding = fuzz_line(&data, &size), *bytes = fuzz_bytes(data, size);
  char head[300], start[512];
  rw_buffer body = {0};
  (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n\r\n", coding);
  must(rw_unpack_ready());
  must(rw_unpack_start(bytes, size, start, sizeof start) <= sizeof start);
  if (size > 0 && size <= MOST) {
    must(rw_buffer_append(&body, bytes, size));
    (void)rw_unpack(&body, head, MOST);
    must(body.len <= MOST);
  }
  rw_buffer_free(&body);
  free(coding);
  free(bytes);
  return 0;
}
