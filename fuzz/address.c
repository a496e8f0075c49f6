/*
** address.c: addresses as text. What the system takes for one must be the same one
** here, or a private address could pass for a name.
*/
#include "system.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "address.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  char *text = fuzz_text(data, size);
  unsigned char ours[16], theirs[16];
  int family = rw_address_parse(text, ours);
  must(rw_address_is_text(text) == (family != 0));
  if (inet_pton(AF_INET, text, theirs) == 1)
    must(family == 4 && memcmp(ours, theirs, 4) == 0);
  else if (inet_pton(AF_INET6, text, theirs) == 1)
    must(family == 6 && memcmp(ours, theirs, 16) == 0);
  else
    must(family == 0 || strchr(text, '%'));      /* a zone */
  (void)rw_address_of_text(text);
  if (family == 4) {
    struct sockaddr_in a = {.sin_family = AF_INET};
    memcpy(&a.sin_addr, ours, 4);
    must(rw_address_of((struct sockaddr *)&a) == rw_address_of_text(text));
  } else if (family == 6) {
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    memcpy(&a.sin6_addr, ours, 16);
    must(rw_address_of((struct sockaddr *)&a) == rw_address_of_text(text));
  }
  free(text);
  return 0;
}
