/*
** url.c: URLs. Where libcurl goes must be what was judged.
*/
#include "system.h"

#include <strings.h>

#include <curl/curl.h>

#include "fuzz.h"
#include "url.h"

/* libcurl's reading of a part of it; to be freed with curl_free. */
static char *part_of (CURLU *u, CURLUPart part, unsigned flags) {
  char *text = NULL;
  return curl_url_get(u, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static void compare (const char *url, const rw_url *judged) {
  CURLU *u = curl_url();
  must(u);
  if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK) {
    char *host = part_of(u, CURLUPART_HOST, 0), *scheme = part_of(u, CURLUPART_SCHEME, 0);
    char *port = part_of(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    size_t n = strlen(judged->host);
    must(host && port && scheme);
    must(strcmp(scheme, judged->scheme) == 0);
    must(strcmp(port, judged->port) == 0);
    if (host[0] == '[')
      must(strncasecmp(host + 1, judged->host, n) == 0 && strcmp(host + 1 + n, "]") == 0);
    else
      must(strncasecmp(host, judged->host, n) == 0 && strspn(host + n, ".") == strlen(host + n));
    curl_free(host);
    curl_free(port);
    curl_free(scheme);
  }
  curl_url_cleanup(u);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  char *url = fuzz_text(data, size), *plain;
  rw_url parts, again;
  if (strlen(url) == size && !rw_url_check(url, size, &parts)) {
    plain = rw_url_as_judged(url, &parts);
    compare(plain ? plain : url, &parts);
    if (plain) {
      must(!rw_url_check(plain, strlen(plain), &again));
      must(strcmp(again.host, parts.host) == 0 && strcmp(again.port, parts.port) == 0);
      must(again.address == parts.address && again.loopback == parts.loopback);
    }
    free(plain);
  }
  free(url);
  return 0;
}
