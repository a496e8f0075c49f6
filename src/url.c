/*
** url.c: taking a URL apart, and refusing what must not be asked for.
*/
#include "system.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

#include <curl/curl.h>

#include "address.h"
#include "url.h"

/* Signed URLs take a few thousand bytes, a relay's may take 16 KiB, and each
** byte that is no ASCII three. */
#define MAX_URL (64 * 1024)


static bool copy_part (char *to, size_t room, const char *from, size_t n) {
  if (n >= room) return false;
  for (size_t i = 0; i < n; i++) {
    char c = from[i];
    to[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
  }
  to[n] = '\0';
  return true;
}


static bool copy_lower (char *to, size_t room, const char *from) {
  return copy_part(to, room, from, strlen(from));
}


/* [::1] -> ::1 */
static void strip_brackets (char *host) {
  size_t n = strlen(host);
  if (n < 2 || host[0] != '[') return;
  memmove(host, host + 1, n - 2);
  host[n - 2] = '\0';
}


/* "example.org." is the same name. */
static void strip_dots (char *host) {
  size_t n = strlen(host);
  while (n > 0 && host[n - 1] == '.') host[--n] = '\0';
}


static bool is_ascii (const char *s) {
  while (*s && (unsigned char)*s < 128) s++;
  return *s == '\0';
}


/*
** A host of another alphabet as DNS spells it. libidn takes names to be in
** the alphabet of the locale, and a host program's may be any; ours are UTF-8.
*/
static CURLUcode get_ascii_host (CURLU *u, char **host) {
  locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
  CURLUcode got = curl_url_get(u, CURLUPART_HOST, host, CURLU_PUNYCODE);
  if (before) (void)uselocale(before);
  if (utf8) freelocale(utf8);
  return got;
}


/*
** The host as a resolver will take it. libcurl reads "0x7f.1" and "%31" but
** not one inside the other, and other alphabets' digits and dots only when it
** connects; a proxy would be handed what is left. So what it made of the host
** is read once more.
*/
static bool read_host (CURLU *u, bool odd, char *to, size_t room) {
  char again[300];
  char *host = NULL;
  CURLUcode got = curl_url_get(u, CURLUPART_HOST, &host, 0);
  bool ok;
  if (got == CURLUE_OK && !is_ascii(host)) {
    curl_free(host);
    host = NULL;
    got = get_ascii_host(u, &host);
  }
  ok = got == CURLUE_OK && is_ascii(host) && copy_lower(to, room, host);
  curl_free(host);
  if (!ok) return false;
  if (to[0] != '[' && odd) {
    if (strchr(to, '%')) return false;
    strip_dots(to);
    (void)snprintf(again, sizeof again, "http://%s/", to);
    host = NULL;
    ok = curl_url_set(u, CURLUPART_URL, again, CURLU_DISALLOW_USER) == CURLUE_OK &&
         curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
         copy_lower(to, room, host);
    curl_free(host);
  }
  strip_brackets(to);
  return ok && *to;
}


/* localhost and every name below it: RFC 6761 gives them to this machine. */
static bool is_localhost (const char *host) {
  static const char name[] = "localhost";
  size_t n = strlen(host), m = sizeof name - 1;
  if (n < m || strcmp(host + n - m, name) != 0) return false;
  return n == m || host[n - m - 1] == '.';
}


static void judge (rw_url *url) {
  url->literal = rw_address_is_text(url->host);
  url->localhost = is_localhost(url->host);
  url->address = url->localhost ? RW_ADDR_LOOPBACK
                                : rw_address_of_text(url->host);
  url->loopback = url->localhost ||
                  (url->literal && url->address == RW_ADDR_LOOPBACK);
}


static bool read_parts (CURLU *u, rw_url *out) {
  char *scheme = NULL, *port = NULL;
  bool ok =
    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
    copy_lower(out->scheme, sizeof out->scheme, scheme) &&
    copy_lower(out->port, sizeof out->port, port) &&
    read_host(u, out->odd, out->host, sizeof out->host);
  curl_free(scheme);
  curl_free(port);
  return ok;
}


/* Is there anything in what stands before the path that needs a second look?
** libcurl takes three slashes for two. */
static bool is_odd (const char *url) {
  const char *host = strchr(url, ':') + 1;
  size_t n;
  host += strspn(host, "/");
  n = strcspn(host, "/?#");
  for (size_t i = 0; i < n; i++)
    if (host[i] == '%' || (unsigned char)host[i] >= 128 ||
        (host[i] == '.' && (i + 1 == n || host[i + 1] == ':')))
      return true;
  return false;
}


/*
** The usual case, of which there is one reading: a host of plain letters, digits,
** dots and hyphens whose last part begins with a letter, or an address as it is
** always written; then a port, or none. What is not so libcurl takes apart.
*/
static bool read_plain (const char *url, rw_url *out) {
  const char *host = strstr(url, "://") + 3, *p = host, *last = host, *port;
  if (!copy_part(out->scheme, sizeof out->scheme, url, (size_t)(host - url) - 3))
    return false;
  for (; (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '.'; p++)
    if (*p == '.') last = p + 1;
  if (!copy_part(out->host, sizeof out->host, host, (size_t)(p - host))) return false;
  if (!(*last >= 'a' && *last <= 'z') && !rw_address_is_text(out->host)) return false;
  port = strcmp(out->scheme, "https") == 0 ? "443" : "80";
  if (*p == ':') {
    port = ++p;
    while (*p >= '0' && *p <= '9') p++;
    if (*port == '0' || p == port || p - port > 5 || strtol(port, NULL, 10) > 65535) return false;
  }
  if (*p && !strchr("/?#", *p)) return false;
  return copy_part(out->port, sizeof out->port, port, strspn(port, "0123456789"));
}


const char *rw_url_check (const char *url, size_t len, rw_url *out) {
  const char *refused = NULL;
  CURLU *u;
  memset(out, 0, sizeof *out);
  if (len == 0) return "the URL is empty";
  if (len > MAX_URL) return "the URL is longer than 64 KiB";
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)url[i] <= ' ' || url[i] == 127)
      return "the URL holds a space or a control character";
  if (!curl_strnequal(url, "http://", 7) && !curl_strnequal(url, "https://", 8))
    return "the URL does not begin with https:// (or http://)";
  if (read_plain(url, out)) {
    judge(out);
    return NULL;
  }
  if (!(u = curl_url())) return "no memory to read the URL";
  out->odd = is_odd(url);
  switch (curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER)) {
    case CURLUE_OK:
      if (read_parts(u, out)) judge(out);
      else refused = "the URL has no host that can be used";
      break;
    case CURLUE_USER_NOT_ALLOWED:
      refused = "the URL holds a user name or password";
      break;
    default:
      refused = "the URL cannot be read";
  }
  curl_url_cleanup(u);
  return refused;
}


/* Is the host written as it was judged, letter by letter? */
static bool stands_so (const char *url, const rw_url *parts) {
  const char *host = strstr(url, "://") + 3;
  size_t n = strlen(parts->host);
  return strncmp(host, parts->host, n) == 0 && strchr(":/?#", host[n]);
}


char *rw_url_as_judged (const char *url, const rw_url *parts) {
  char *host = NULL, *whole = NULL, *copy = NULL;
  CURLU *u = (parts->odd || parts->literal) && !stands_so(url, parts) ? curl_url() : NULL;
  if (u && curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
      curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host != '[' &&
      /* the last dot of another name keeps a resolver from adding to it */
      (parts->literal || parts->localhost || !is_ascii(host)) &&
      !curl_strequal(host, parts->host) &&
      curl_url_set(u, CURLUPART_HOST, parts->host, 0) == CURLUE_OK &&
      curl_url_get(u, CURLUPART_URL, &whole, 0) == CURLUE_OK)
    copy = strdup(whole);
  curl_free(host);
  curl_free(whole);
  if (u) curl_url_cleanup(u);
  return copy;
}
