/*
** handles.c: easy handles that wait for another exchange.
*/
#include "system.h"
#include "handles.h"


/* One thread uses it, so that it needs no locks. */
static CURLSH *new_share (void) {
  CURLSH *share = curl_share_init();
  if (share)
    (void)curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  return share;
}


CURL *rw_handles_make (rw_handles *h) {
  CURL *easy = curl_easy_init();
  if (!h->shared) h->shared = new_share();
  if (easy && h->shared) (void)curl_easy_setopt(easy, CURLOPT_SHARE, h->shared);
  return easy;
}


CURL *rw_handles_take (rw_handles *h) {
  return h->count > 0 ? h->at[--h->count] : NULL;
}


bool rw_handles_give (rw_handles *h, CURL *easy) {
  if (h->count == RW_HANDLES_MOST) return false;
  h->at[h->count++] = easy;
  return true;
}


void rw_handles_free (rw_handles *h) {
  CURL *easy;
  while ((easy = rw_handles_take(h)) != NULL) curl_easy_cleanup(easy);
  if (h->shared) (void)curl_share_cleanup(h->shared);
  h->shared = NULL;
}
