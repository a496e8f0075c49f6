/*
** tls.c: what OpenSSL knows and libcurl does not tell.
**
** libcurl takes the end of a connection for the end of TLS (7.88.1: silently,
** whatever OpenSSL's options say). The good-bye comes as an alert, which
** OpenSSL tells to an info callback. Which request it ends is known by a number
** kept with the connection and renewed by each request that uses it; the
** numbers that were said good-bye to lie in a small table of the thread's.
*/
#include "system.h"

#include <pthread.h>
#include <stdlib.h>

#include "beside.h"
#include "tls.h"

#define TLS_READ_ALERT 0x4004            /* SSL_CB_READ_ALERT */
#define TLS_CLOSE_NOTIFY 0x100           /* a warning (1) of kind 0 */
#define TLS_INDEX_SSL 0                  /* CRYPTO_EX_INDEX_SSL */
#define TLS_RECENT 256

/* OpenSSL's functions; all of them are there, or `ready` is false. */
static struct {
  pthread_once_t once;
  bool ready;
  int index;
  void (*alpn_selected)(const void *ssl, const unsigned char **name,
                         unsigned *length);
  void (*on_info)(void *context, void (*fn)(const void *, int, int));
  int (*new_index)(int kind, long, void *, void *, void *, void *);
  int (*set_data)(void *ssl, int index, void *data);
  void *(*get_data)(const void *ssl, int index);
  void (*thread_stop)(void);
} tls = {.once = PTHREAD_ONCE_INIT};

static _Thread_local intptr_t tls_ended[TLS_RECENT];


static void tls_look (void) {
  const rw_beside needed[] = {
    {"SSL_get0_alpn_selected", &tls.alpn_selected},
    {"SSL_CTX_set_info_callback", &tls.on_info},
    {"CRYPTO_get_ex_new_index", &tls.new_index},
    {"SSL_set_ex_data", &tls.set_data},
    {"SSL_get_ex_data", &tls.get_data},
    {"OPENSSL_thread_stop", &tls.thread_stop},
  };
  if (!rw_beside_openssl(needed, sizeof needed / sizeof *needed)) return;
  tls.index = tls.new_index(TLS_INDEX_SSL, 0, NULL, NULL, NULL, NULL);
  tls.ready = tls.index >= 0;
}


static bool tls_ready (void) {
  (void)pthread_once(&tls.once, tls_look);
  return tls.ready;
}


static void *tls_of (CURL *easy) {
  const struct curl_tlssessioninfo *session = NULL;
  if (!tls_ready() ||
      curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || !session)
    return NULL;
  return session->internals;
}


static void tls_on_info (const void *ssl, int where, int what) {
  intptr_t id;
  if (where != TLS_READ_ALERT || what != TLS_CLOSE_NOTIFY) return;
  id = (intptr_t)tls.get_data(ssl, tls.index);
  if (id) tls_ended[id % TLS_RECENT] = id;
}


static CURLcode tls_on_context (CURL *easy, void *context, void *data) {
  (void)easy; (void)data;
  tls.on_info(context, tls_on_info);
  return CURLE_OK;
}


void rw_tls_watch (CURL *easy) {
  if (tls_ready())
    (void)curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, tls_on_context);
}


void rw_tls_used_by (CURL *easy, int64_t id) {
  void *ssl = tls_of(easy);
  if (ssl) (void)tls.set_data(ssl, tls.index, (void *)(intptr_t)id);
}


bool rw_tls_was_cut (int64_t id) {
  return tls_ready() && tls_ended[id % TLS_RECENT] != (intptr_t)id;
}


void rw_tls_thread_end (void) {
  if (tls_ready()) tls.thread_stop();
}


bool rw_tls_chose_nothing (CURL *easy) {
  const unsigned char *name = NULL;
  unsigned length = 0;
  void *ssl = tls_of(easy);
  if (!ssl) return false;
  tls.alpn_selected(ssl, &name, &length);
  return length == 0;
}
