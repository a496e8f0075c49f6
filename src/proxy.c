/*
** proxy.c: the proxy variables of the environment, read as curl's users know
** them.
*/
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy.h"


static const char *variable (const char *lower, const char *upper) {
  const char *value = getenv(lower);
  if ((!value || !*value) && upper) value = getenv(upper);
  return value && *value ? value : NULL;
}


/* Is the host named by one entry: itself, or the end of its name? */
static bool named (const char *host, const char *entry, size_t n) {
  size_t h = strlen(host);
  if (h > 0 && host[h - 1] == '.') h--;
  if (n > 0 && entry[0] == '.') entry++, n--;
  if (n > 0 && entry[n - 1] == '.') n--;
  if (n == 0 || n > h || strncasecmp(host + h - n, entry, n) != 0) return false;
  return n == h || host[h - n - 1] == '.';
}


static bool exempt (const char *host) {
  const char *list = variable("no_proxy", "NO_PROXY");
  while (list && *list) {
    size_t n;
    list += strspn(list, ", \t");
    n = strcspn(list, ", \t");
    if ((n == 1 && *list == '*') || named(host, list, n)) return true;
    list += n;
  }
  return false;
}


const char *rw_proxy_from_environment (const char *scheme, const char *host) {
  const char *proxy = strcmp(scheme, "https") == 0
    ? variable("https_proxy", "HTTPS_PROXY")
    : variable("http_proxy", NULL);      /* HTTP_PROXY may come from a CGI client */
  if (!proxy) proxy = variable("all_proxy", "ALL_PROXY");
  return proxy && !exempt(host) ? proxy : NULL;
}
