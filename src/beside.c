/*
** beside.c: functions of the libraries that libcurl itself uses.
*/
#include "system.h"

#include <dlfcn.h>
#include <string.h>

#include <curl/curl.h>

#include "beside.h"


bool rw_beside_curl (const rw_beside *list, size_t n) {
  char *(*known)(void) = curl_version;
  void *library = NULL, *address;
  Dl_info where;
  memcpy(&address, &known, sizeof address);
  if (dladdr(address, &where) && where.dli_fname)
    library = dlopen(where.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  for (size_t i = 0; i < n; i++) {
    address = dlsym(library ? library : RTLD_DEFAULT, list[i].name);
    if (!address) return false;
    memcpy(list[i].function, &address, sizeof address);
  }
  return true;
}


bool rw_beside_openssl (const rw_beside *list, size_t n) {
  const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;
  return tls && strncmp(tls, "OpenSSL/", 8) == 0 && rw_beside_curl(list, n);
}
