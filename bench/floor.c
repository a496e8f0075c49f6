/*
** floor.c: what libcurl alone takes for the work that is measured: TASKS tasks, 64 at once, each a
** submit over a connection of its own, three polls, and a file of 4 KiB.
**
**   floor BASE_URL TASKS DIRECTORY      prints the seconds of CPU and of the clock that it took
**
** As good as libcurl can be driven: a handle for each place, on which only what differs is set; answers
** into buffers that stay; no JSON read, but looked for what is needed.
*/
#include "system.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PLACES 64
#define BODY "{\"model\":\"gen4.5\",\"promptText\":\"a lighthouse in fog, slow dolly in\"," \
             "\"ratio\":\"1280:720\",\"duration\":5}"

typedef enum step { SUBMIT, POLL, FETCH } step;

typedef struct place {
  CURL *easy;
  step step;
  unsigned task;
  size_t len;
  char body[8192];
  char url[300], id[64];
} place;

static const char *base, *directory;
static unsigned begun, ended, wanted;
static struct curl_slist *get_headers, *post_headers;
static CURLM *multi;


static void die (const char *what) {
  fprintf(stderr, "floor: %s\n", what);
  exit(1);
}


static size_t on_body (char *bytes, size_t size, size_t n, void *data) {
  place *p = data;
  n *= size;
  if (n > sizeof p->body - 1 - p->len) return 0;
  memcpy(p->body + p->len, bytes, n);
  p->len += n;
  p->body[p->len] = '\0';
  return n;
}


/* The text behind `mark`, up to the next quote. */
static void take_text (const char *from, const char *mark, char *to, size_t room) {
  const char *at = strstr(from, mark), *end = at ? strchr(at + strlen(mark), '"') : NULL;
  size_t n;
  if (!end) die("an answer lacks what it must have");
  at += strlen(mark);
  n = (size_t)(end - at);
  if (n >= room) die("an answer is too long");
  memcpy(to, at, n);
  to[n] = '\0';
}


static void send_it (place *p) {
  long is_submit = p->step == SUBMIT;
  p->len = 0;
  if (is_submit) {
    curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, BODY);
    curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, post_headers);
  } else {
    curl_easy_setopt(p->easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, get_headers);
  }
  curl_easy_setopt(p->easy, CURLOPT_FRESH_CONNECT, is_submit);
  curl_easy_setopt(p->easy, CURLOPT_URL, p->url);
  if (curl_multi_add_handle(multi, p->easy) != CURLM_OK) die("a handle was refused");
}


static void begin (place *p) {
  if (begun == wanted) return;
  p->task = begun++;
  p->step = SUBMIT;
  (void)snprintf(p->url, sizeof p->url, "%s/v1/text_to_video", base);
  send_it(p);
}


static void keep_file (place *p) {
  char path[400];
  int fd;
  (void)snprintf(path, sizeof path, "%s/%u.mp4", directory, p->task);
  fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, p->body, p->len) != (ssize_t)p->len || close(fd) != 0)
    die("a file cannot be written");
}


static void go_on (place *p) {
  if (p->step == SUBMIT) {
    take_text(p->body, "\"id\":\"", p->id, sizeof p->id);
    (void)snprintf(p->url, sizeof p->url, "%s/v1/tasks/%s", base, p->id);
    p->step = POLL;
  } else if (p->step == POLL && strstr(p->body, "\"SUCCEEDED\"")) {
    take_text(p->body, "\"output\":[\"", p->url, sizeof p->url);
    p->step = FETCH;
  } else if (p->step == FETCH) {
    keep_file(p);
    ended++;
    begin(p);
    return;
  }
  send_it(p);
}


static void reap (void) {
  CURLMsg *msg;
  int left;
  while ((msg = curl_multi_info_read(multi, &left)) != NULL) {
    place *p = NULL;
    long status = 0;
    if (msg->data.result != CURLE_OK) die(curl_easy_strerror(msg->data.result));
    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&p);
    curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) die("an answer that is none");
    curl_multi_remove_handle(multi, p->easy);
    go_on(p);
  }
}


static void open_place (place *p) {
  if (!(p->easy = curl_easy_init())) die("no memory");
  curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, p);
  curl_easy_setopt(p->easy, CURLOPT_PRIVATE, p);
  curl_easy_setopt(p->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, 60000L);
}


static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}


int main (int argc, char **argv) {
  static place places[PLACES];
  double began, cpu;
  int running = 0;
  if (argc != 4) die("usage: floor BASE_URL TASKS DIRECTORY");
  base = argv[1];
  wanted = (unsigned)strtoul(argv[2], NULL, 10);
  directory = argv[3];
  curl_global_init(CURL_GLOBAL_DEFAULT);
  if (!(multi = curl_multi_init())) die("no memory");
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 128L);
  get_headers = curl_slist_append(NULL, "Authorization: Bearer key");
  post_headers = curl_slist_append(NULL, "Authorization: Bearer key");
  post_headers = curl_slist_append(post_headers, "Content-Type: application/json");
  began = now();
  cpu = (double)clock() / CLOCKS_PER_SEC;
  for (int i = 0; i < PLACES; i++) {
    open_place(&places[i]);
    begin(&places[i]);
  }
  for (;;) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) die("libcurl broke");
    reap();
    if (ended == wanted) break;
    if (curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK) die("libcurl broke");
  }
  printf("%.6f %.6f\n", (double)clock() / CLOCKS_PER_SEC - cpu, now() - began);
  return 0;
}
