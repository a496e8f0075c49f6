/*
** plain_post.c: what a program gets that leaves everything to libcurl: a
** GET, then a POST over the same handle, with redirects and authentication.
** For faulted_submits.lua, which counts the POSTs.
*/
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>

#define BODY (2 * 1024 * 1024)   /* large enough to ask before it is sent */


static size_t swallow (char *data, size_t size, size_t count, void *unused) {
  (void)data; (void)unused;
  return size * count;
}


int main (int argc, char **argv) {
  CURL *easy;
  char *body;
  if (argc != 3 || (body = malloc(BODY)) == NULL) return 2;
  memset(body, 'x', BODY);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, 10L);
  curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
  curl_easy_perform(easy);
  curl_easy_setopt(easy, CURLOPT_URL, argv[2]);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)BODY);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
  curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_ANY);
  curl_easy_setopt(easy, CURLOPT_USERPWD, "user:password");
  curl_easy_perform(easy);
  curl_easy_cleanup(easy);
  free(body);
  return 0;
}
