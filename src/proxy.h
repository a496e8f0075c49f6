/*
** proxy.h: which proxy the environment names for a host, and what can be one.
** libcurl could read the environment by itself, but tells only from 8.7 on
** whether it did, and a connection to a proxy must not be judged as if it led
** to the target. It also shows a proxy that it cannot read, password and all.
*/
#ifndef RW_PROXY_H
#define RW_PROXY_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/*
** The proxy that the environment names for `scheme` ("http" or "https"),
** `host` (as in rw_url) and `port`; NULL: none. `variable`, unless NULL, gets
** the name of the variable it stands in. The text is the environment's: call
** this on the thread that may change it.
*/
const char *rw_proxy_from_environment (const char *scheme, const char *host,
                                       const char *port, const char **variable);

/* Why this text cannot be a proxy (a literal, with nothing of the text in it),
** or NULL. */
const char *rw_proxy_check (const char *proxy);

/*
** What may be shown of a proxy, as "scheme://host:port", cut to `room`. Of a
** text that cannot be a proxy nothing is: no one knows what in it is secret.
*/
void rw_proxy_name (const char *proxy, char *to, size_t room);

#pragma GCC visibility pop

#endif
