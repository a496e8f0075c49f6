/*
** proxy.c: proxies, and lists of hosts that need none, as an environment may hold
** them. Input: a line for the host, one for the port, one for the proxy, and the
** list.
*/
#include "system.h"
#include "fuzz.h"
#include "proxy.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  char *host = fuzz_line(&data, &size), *port = fuzz_line(&data, &size);
  char *proxy = fuzz_line(&data, &size), *list = fuzz_text(data, size);
  char name[64];
  const char *from = NULL, *found;
  unsetenv("NO_PROXY");
  unsetenv("ALL_PROXY");
  unsetenv("HTTPS_PROXY");
  setenv("https_proxy", proxy, 1);
  setenv("all_proxy", proxy, 1);
  setenv("no_proxy", list, 1);
  found = rw_proxy_from_environment("https", host, port, &from);
  must(!found || (strcmp(found, proxy) == 0 && from));
  if (strcmp(list, "*") == 0) must(!found);
  if (!*list && *proxy) must(found);
  (void)rw_proxy_from_environment("http", host, port, NULL);
  rw_proxy_name(proxy, name, sizeof name);
  must(strlen(name) < sizeof name && !strchr(name, '@'));
  if (rw_proxy_check(proxy)) must(strcmp(name, "the proxy") == 0);
  free(host);
  free(port);
  free(proxy);
  free(list);
  return 0;
}
