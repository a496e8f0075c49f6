/*
** slow_names.c: preloaded, a resolver that has no answer for names of .invalid, and takes half a second to say so.
*/
#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo (const char *node, const char *service, const struct addrinfo *hints,
                 struct addrinfo **result) {
  int (*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **) =
    (int (*) (const char *, const char *, const struct addrinfo *, struct addrinfo **))
      dlsym(RTLD_NEXT, "getaddrinfo");
  size_t n = node ? strlen(node) : 0;
  if (n < 8 || strcmp(node + n - 8, ".invalid") != 0) return real(node, service, hints, result);
  usleep(500000);
  return EAI_NONAME;
}
