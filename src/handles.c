/*
** handles.c: easy handles that wait for another exchange.
*/
#include "system.h"
#include "handles.h"


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
}
