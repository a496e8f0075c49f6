/*
** data_uri.c: data URIs. One that is written anew must be the same bytes.
*/
#include "system.h"
#include "data_uri.h"
#include "fuzz.h"

/* All of its bytes, to be freed. */
static char *decoded (const rw_data_uri *uri, size_t *n) {
  char *bytes = malloc(uri->count + 1);
  must(bytes);
  *n = rw_data_uri_decode(uri, bytes, uri->count);
  must(*n <= uri->count);
  return bytes;
}

static void write_anew (const rw_data_uri *uri) {
  static const char head[] = "data:;base64,";
  size_t digits = rw_data_uri_tidied(uri), len = sizeof head - 1 + digits, n, m;
  char *text = malloc(len), *was = decoded(uri, &n), *is;
  rw_data_uri tidy;
  must(text);
  memcpy(text, head, sizeof head - 1);
  rw_data_uri_tidy(uri, text + sizeof head - 1);
  must(!rw_data_uri_read(&tidy, text, len) && tidy.tidy);
  is = decoded(&tidy, &m);
  must(n == m && memcmp(was, is, n) == 0);
  free(text);
  free(was);
  free(is);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  char *bytes = fuzz_bytes(data, size), start[5];
  rw_data_uri uri;
  if (!rw_data_uri_read(&uri, bytes, size)) {
    must(uri.type_len <= RW_DATA_URI_TYPE);
    must(rw_data_uri_decode(&uri, start, sizeof start) <= sizeof start);
    write_anew(&uri);
  }
  free(bytes);
  return 0;
}
