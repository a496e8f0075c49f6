/*
** tls.h: what libcurl does not tell about TLS, asked of OpenSSL itself where
** that is what libcurl uses. Elsewhere nothing is known, and all is let pass.
** All calls belong to the thread that runs the transfers.
*/
#ifndef RW_TLS_H
#define RW_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#pragma GCC visibility push(hidden)

/* Has the connections that this handle opens watched for their end. */
void rw_tls_watch (CURL *easy);

/* Says whose the connection is that the handle is about to use. */
void rw_tls_used_by (CURL *easy, int64_t id);

/* Did the server of this request's connection close TLS without its good-bye?
** Then an answer that ends where the connection ends may have been cut. */
bool rw_tls_was_cut (int64_t id);

/* Did the server choose none of the protocols it was offered (ALPN)? To be
** asked while the handle is connected. */
bool rw_tls_chose_nothing (CURL *easy);

/* What OpenSSL keeps for the calling thread is freed now, and not by whatever
** the process's end has left of it. */
void rw_tls_thread_end (void);

#pragma GCC visibility pop

#endif
