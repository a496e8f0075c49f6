/*
** bare.c: what libcurl alone takes for one thing after another.
**
**   bare get URL COUNT              over one connection: seconds for each
**   bare post URL COUNT             over a connection each: seconds for each
**   bare tls URL COUNT FILE PATH    the same over TLS: seconds of CPU for each after the first; the
**                                   authorities are in FILE, and in PATH too unless it is ""
**   bare image URL COUNT FILE       a post of as many bytes as FILE has in base64, which are copied from
**                                   it and not encoded: seconds for each
*/
#include "system.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static CURLM *multi;
static CURL *easy;


static void die (const char *what) {
  fprintf(stderr, "bare: %s\n", what);
  exit(1);
}


static double seconds_of (clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}


static size_t on_body (char *bytes, size_t size, size_t n, void *data) {
  static char body[8192];
  (void)data;
  memcpy(body, bytes, size * n < sizeof body ? size * n : sizeof body);
  return size * n;
}


/* One exchange, as one of many over a multi handle. */
static void exchange (void) {
  CURLMsg *msg = NULL;
  int running = 1, left;
  curl_multi_add_handle(multi, easy);
  for (;;) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) die("libcurl broke");
    if (running == 0) break;
    curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  msg = curl_multi_info_read(multi, &left);
  if (!msg || msg->data.result != CURLE_OK)
    die(msg ? curl_easy_strerror(msg->data.result) : "an exchange without an end");
  curl_multi_remove_handle(multi, easy);
}


/* The memory-bound part of base64: four bytes of each three, of 64 KiB at a time. */
static void widen (char *to, const char *from, size_t n) {
  const size_t piece = 48 * 1024;
  for (; n >= piece; n -= piece, from += piece, to += piece / 3 * 4) {
    memcpy(to, from, piece);
    memcpy(to + piece, from, piece / 3);
  }
  memcpy(to, from, n);
}


static void post_image (const char *path) {
  static char piece[48 * 1024];
  FILE *file = fopen(path, "rb");
  char *body, *at;
  size_t n, size = 0;
  if (!file || fseek(file, 0, SEEK_END) != 0) die("no such file");
  size = ((size_t)ftell(file) + 2) / 3 * 4;
  rewind(file);
  if (!(at = body = malloc(size + sizeof piece * 2))) die("no memory");
  for (; (n = fread(piece, 1, sizeof piece, file)) > 0; at += n / 3 * 4) widen(at, piece, n);
  fclose(file);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
  exchange();
  free(body);
}


int main (int argc, char **argv) {
  const char *what = argc > 3 ? argv[1] : "";
  int count = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;
  int is_tls = strcmp(what, "tls") == 0, is_image = strcmp(what, "image") == 0;
  clockid_t clock = is_tls ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
  struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
  double began = 0;
  if (count < 1 || argc != (is_tls ? 6 : is_image ? 5 : 4)) die("what?");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  if (!(multi = curl_multi_init()) || !(easy = curl_easy_init())) die("no memory");
  curl_easy_setopt(easy, CURLOPT_URL, argv[2]);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  if (strcmp(what, "get") != 0) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  }
  if (is_tls) {
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CAINFO, argv[4]);
    curl_easy_setopt(easy, CURLOPT_CAPATH, *argv[5] ? argv[5] : NULL);
  }
  for (int i = 0; i <= count; i++) {     /* the first is not counted */
    if (i == 1) began = seconds_of(clock);
    if (is_image) post_image(argv[4]);
    else exchange();
  }
  printf("%.9f\n", (seconds_of(clock) - began) / count);
  return 0;
}
