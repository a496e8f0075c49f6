/*
** proxy.c: the proxy variables of the environment, read as curl's users know
** them, and what libcurl can use as a proxy.
*/
#include "system.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "address.h"
#include "proxy.h"


/*
** {=================================================================
** The environment
** ==================================================================
*/

static const char *variable (const char **name, const char *lower,
                             const char *upper) {
  const char *value = getenv(*name = lower);
  if ((!value || !*value) && upper) value = getenv(*name = upper);
  return value && *value ? value : NULL;
}


/* The first `bits` of two addresses. */
static bool same_bits (const unsigned char *a, const unsigned char *b, size_t bits) {
  size_t whole = bits / 8, rest = bits % 8;
  if (memcmp(a, b, whole) != 0) return false;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}


/* Digits and nothing else, as a number up to `most`; -1 for anything else. */
static long number (const char *s, long most) {
  long n = 0;
  if (!*s) return -1;
  for (; *s; s++) {
    if (*s < '0' || *s > '9') return -1;
    n = n * 10 + (*s - '0');
    if (n > most) return -1;
  }
  return n;
}


/*
** Is the address in the network of an entry, "10.0.0.1", "10.0.0.0/8" or
** "fd00::/8"? "/0" is the address itself, as with curl, and not every one.
*/
static bool in_network (const unsigned char *ip, int family, char *entry) {
  unsigned char net[16];
  size_t width = family == 4 ? 32 : 128, bits = width;
  char *slash = strchr(entry, '/');
  if (slash) {
    long n = number(slash + 1, (long)width);
    if (n < 0) return false;
    if (n > 0) bits = (size_t)n;
    *slash = '\0';
  }
  return rw_address_parse(entry, net) == family && same_bits(ip, net, bits);
}


/* Is the host the name of an entry, or one below it? */
static bool in_domain (const char *host, const char *entry) {
  size_t h = strlen(host), n;
  if (*entry == '.') entry++;
  n = strlen(entry);
  if (n > 0 && entry[n - 1] == '.') n--;
  if (n == 0 || n > h || !curl_strnequal(host + h - n, entry, n)) return false;
  return n == h || host[h - n - 1] == '.';
}


/*
** Takes the port off "name:80", "10.0.0.0/8:80" or "[::1]:80", and the
** brackets too: false when the port is not ours. A bare "fd00::1" has none.
*/
static bool take_port (char **entry, const char *port) {
  char *colon = strchr(*entry, ':');
  if (**entry == '[') {
    char *end = strchr(*entry, ']');
    if (!end) return false;
    ++*entry;
    colon = end[1] == ':' ? end + 1 : NULL;
    if (end[1] != '\0' && end[1] != '/' && !colon) return false;
    if (end[1] == '/') {                 /* [fd00::]/8 */
      memmove(end, end + 1, strlen(end));
      return true;
    }
    *end = '\0';
  } else if (colon && strchr(colon + 1, ':')) {
    return true;
  }
  if (!colon) return true;
  if (number(colon + 1, 65535) != number(port, 65535)) return false;
  *colon = '\0';
  return true;
}


static bool matches (const char *host, const char *port, const char *text,
                     size_t n) {
  char copy[300], *entry = copy;
  unsigned char ip[16];
  int family;
  if (n >= sizeof copy) return false;    /* longer than any name */
  memcpy(copy, text, n);
  copy[n] = '\0';
  if (strcmp(entry, "*") == 0) return true;
  if (!take_port(&entry, port)) return false;
  family = rw_address_parse(host, ip);
  return family ? in_network(ip, family, entry) : in_domain(host, entry);
}


static bool exempt (const char *host, const char *port) {
  const char *name;
  const char *list = variable(&name, "no_proxy", "NO_PROXY");
  while (list && *list) {
    size_t n;
    list += strspn(list, ", \t");
    n = strcspn(list, ", \t");
    if (n > 0 && matches(host, port, list, n)) return true;
    list += n;
  }
  return false;
}


const char *rw_proxy_from_environment (const char *scheme, const char *host,
                                       const char *port, const char **from) {
  const char *name;
  const char *proxy = strcmp(scheme, "https") == 0
    ? variable(&name, "https_proxy", "HTTPS_PROXY")
    : variable(&name, "http_proxy", NULL); /* HTTP_PROXY may be a CGI client's */
  if (!proxy) proxy = variable(&name, "all_proxy", "ALL_PROXY");
  if (from) *from = proxy ? name : NULL;
  return proxy && !exempt(host, port) ? proxy : NULL;
}

/* }================================================================= */


/*
** {=================================================================
** What can be a proxy
** ==================================================================
*/

static bool is_scheme (const char *scheme) {
  static const char *const known[] =
    {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (curl_strequal(scheme, known[i])) return true;
  return false;
}


/* Does a part of a URL hold this sign? */
static bool url_part_holds (CURLU *u, CURLUPart part, char sign) {
  char *text = NULL;
  bool yes = curl_url_get(u, part, &text, 0) == CURLUE_OK && strchr(text, sign);
  curl_free(text);
  return yes;
}


static bool port_is_zero (CURLU *u) {
  char *text = NULL;
  bool yes = curl_url_get(u, CURLUPART_PORT, &text, 0) == CURLUE_OK &&
             number(text, 65535) == 0;
  curl_free(text);
  return yes;
}


/* A user name or password that libcurl will not be able to decode. */
static bool broken_escape (CURLU *u, CURLUPart part) {
  char *text = NULL;
  CURLUcode got = curl_url_get(u, part, &text, CURLU_URLDECODE);
  curl_free(text);
  return got == CURLUE_URLDECODE;
}


static const char *check_scheme (CURLU *u) {
  char *scheme = NULL;
  const char *why = NULL;
  if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
      !is_scheme(scheme))
    why = "it begins with none of http://, https://, socks4://, socks4a://, "
          "socks5:// and socks5h://";
  else if (curl_strequal(scheme, "https") &&
           !(curl_version_info(CURLVERSION_NOW)->features &
             CURL_VERSION_HTTPS_PROXY))
    why = "this libcurl cannot speak TLS to a proxy";
  curl_free(scheme);
  return why;
}


/* As libcurl reads a proxy, but for what it would take for something else. */
static const char *check_parts (CURLU *u, const char *proxy) {
  static const char no_port[] =
    "its port is none (in a password, / ? # @ are written %2F %3F %23 %40)";
  switch (curl_url_set(u, CURLUPART_URL, proxy,
                       CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME)) {
    case CURLUE_OK: break;
    case CURLUE_BAD_PORT_NUMBER: return no_port;
    default:
      return "it is no URL of the form http://host:port, with user:password@ "
             "before the host where it needs them (in a password, / ? # @ are "
             "written %2F %3F %23 %40)";
  }
  if (port_is_zero(u)) return no_port;
  /* "http://user:12/34@host": libcurl would go to port 12 of "user" */
  if (url_part_holds(u, CURLUPART_PATH, '@') || url_part_holds(u, CURLUPART_QUERY, '@') ||
      url_part_holds(u, CURLUPART_FRAGMENT, '@'))
    return "an @ follows its host and port (in a password, / ? # @ are written "
           "%2F %3F %23 %40)";
  if (broken_escape(u, CURLUPART_USER) || broken_escape(u, CURLUPART_PASSWORD))
    return "its user name or password holds an escaped control character";
  return check_scheme(u);
}


const char *rw_proxy_check (const char *proxy) {
  const char *why;
  CURLU *u;
  if (!*proxy) return NULL;              /* "": no proxy at all */
  if (strlen(proxy) > 4096) return "it is longer than 4096 bytes";
  for (const char *p = proxy; *p; p++)
    if ((unsigned char)*p <= ' ' || *p == 127)
      return "it holds a space or a control character (in a password, a space "
             "is written %20)";
  if (!(u = curl_url())) return "there is no memory to read it";
  why = check_parts(u, proxy);
  curl_url_cleanup(u);
  return why;
}


void rw_proxy_name (const char *proxy, char *to, size_t room) {
  CURLU *u = *proxy && !rw_proxy_check(proxy) ? curl_url() : NULL;
  char *scheme = NULL, *host = NULL, *port = NULL;
  (void)snprintf(to, room, "the proxy");
  if (u && curl_url_set(u, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME |
                        CURLU_GUESS_SCHEME) == CURLUE_OK &&
      curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
      curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
    (void)curl_url_get(u, CURLUPART_PORT, &port, 0);
    (void)snprintf(to, room, "%s://%s%s%s", scheme, host, port ? ":" : "",
                   port ? port : "");
  }
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  curl_url_cleanup(u);
}

/* }================================================================= */
