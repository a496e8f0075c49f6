/*
** proxy.h: will libcurl take a proxy from the environment for a host?
** libcurl tells only from 8.7 on whether it used one, and a connection to a
** proxy must not be judged as if it led to the target.
*/
#ifndef RW_PROXY_H
#define RW_PROXY_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

/* `scheme` is "http" or "https"; `host` is in lower case, without brackets. */
bool rw_proxy_from_environment (const char *scheme, const char *host);

#pragma GCC visibility pop

#endif
