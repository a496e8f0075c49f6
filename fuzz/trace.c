/*
** trace.c: what the trace shows. Input: a byte for what libcurl tells of, and that.
** A key that a server gives back must not show, nor anything a terminal would act on.
*/
#include "system.h"

#include <curl/curl.h>

#include "fuzz.h"
#include "trace.h"

#define SECRET "key_5ec7e7"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static char url[] = "https://host/path?signature", method[] = "GET";
  rw_request *r;
  FILE *before = stderr;
  char *said = NULL, *bytes;
  size_t n = 0;
  curl_infotype type;
  if (size == 0) return 0;
  r = rw_request_new();
  must(r);
  type = (curl_infotype)(data[0] % CURLINFO_END);
  bytes = fuzz_bytes(data + 1, size - 1);
  r->url = url;
  r->method = method;
  r->headers = curl_slist_append(NULL, "Authorization: Bearer " SECRET);
  stderr = open_memstream(&said, &n);
  rw_trace_begin(r);
  rw_trace_tell(r, type, bytes, size - 1);
  rw_trace_end(r);
  (void)fclose(stderr);
  stderr = before;
  if (type == CURLINFO_HEADER_IN) must(!strstr(said, SECRET));
  for (size_t i = 0; i < n; i++)
    must(said[i] == '\n' || ((unsigned char)said[i] >= ' ' && said[i] != 127));
  free(said);
  free(bytes);
  r->url = r->method = NULL;
  rw_request_free(r);
  return 0;
}
