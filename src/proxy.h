/*
** proxy.h: which proxy the environment names for a host.
** libcurl could read it by itself, but tells only from 8.7 on whether it did,
** and a connection to a proxy must not be judged as if it led to the target.
*/
#ifndef RW_PROXY_H
#define RW_PROXY_H

#pragma GCC visibility push(hidden)

/* `scheme` is "http" or "https"; `host` is in lower case, without brackets.
** NULL: none. The text is the environment's. */
const char *rw_proxy_from_environment (const char *scheme, const char *host);

#pragma GCC visibility pop

#endif
