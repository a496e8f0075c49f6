/*
** sniff.c: how a file, or an answer, begins.
*/
#include "system.h"
#include "fuzz.h"
#include "sniff.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  char *head, line[40];
  const char *media;
  if (size > RW_SNIFF) size = RW_SNIFF;
  head = fuzz_bytes(data, size);
  media = rw_sniff_media(head, size);
  (void)rw_sniff_boxes(head, size);
  (void)rw_sniff_moves(head, size);
  (void)rw_sniff_is_readable(head, size);
  if (rw_sniff_signature(head, size)) must(media && !rw_sniff_text(head, size));
  else (void)rw_sniff_text(head, size);
  rw_sniff_line(head, size, line, sizeof line);
  must(strlen(line) < sizeof line);
  for (size_t i = 0; line[i]; i++) must((unsigned char)line[i] >= ' ' && line[i] != 127);
  for (size_t at = 0; at < size;) {
    size_t n = rw_utf8_length(head + at, size - at);
    must(n <= 4 && n <= size - at);
    at += n ? n : 1;
  }
  free(head);
  return 0;
}
