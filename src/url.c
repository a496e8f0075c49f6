/*
** url.c: taking a URL apart, and refusing what must not be asked for.
*/
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "address.h"
#include "url.h"


static bool copy_lower (char *to, size_t room, const char *from) {
  size_t n = strlen(from);
  if (n >= room) return false;
  for (size_t i = 0; i <= n; i++)
    to[i] = (char)tolower((unsigned char)from[i]);
  return true;
}


/* [::1] -> ::1 */
static void strip_brackets (char *host) {
  size_t n = strlen(host);
  if (n < 2 || host[0] != '[') return;
  memmove(host, host + 1, n - 2);
  host[n - 2] = '\0';
}


const char *rw_url_check (const char *url, size_t len, rw_url *out) {
  const char *refused = NULL;
  char *scheme = NULL, *host = NULL, *port = NULL;
  CURLU *u;
  memset(out, 0, sizeof *out);
  if (len == 0) return "the URL is empty";
  if (len > 8000) return "the URL is longer than 8000 bytes";
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)url[i] <= ' ' || url[i] == 127)
      return "the URL holds a space or a control character";
  if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
    return "the URL does not begin with https:// (or http://)";
  if (!(u = curl_url())) return "no memory to read the URL";
  switch (curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER)) {
    case CURLUE_OK:
      if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
          curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
          curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
          !copy_lower(out->scheme, sizeof out->scheme, scheme) ||
          !copy_lower(out->host, sizeof out->host, host) ||
          !copy_lower(out->port, sizeof out->port, port))
        refused = "the URL has no host that can be used";
      else {
        strip_brackets(out->host);
        out->literal = rw_address_is_text(out->host);
        out->loopback = strcmp(out->host, "localhost") == 0 ||
          (out->literal && rw_address_of_text(out->host) == RW_ADDR_LOOPBACK);
      }
      break;
    case CURLUE_USER_NOT_ALLOWED:
      refused = "the URL holds a user name or password";
      break;
    default:
      refused = "the URL cannot be read";
  }
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  curl_url_cleanup(u);
  return refused;
}
