/*
** floor.c: what libcurl alone takes for the work that is measured: TASKS tasks, AT_ONCE of them under
** way, each a submit over a connection of its own, three polls, and a file of 4 KiB.
**
**   floor BASE_URL TASKS DIRECTORY AT_ONCE HANDLES
**
** Prints the seconds of CPU and of the clock that it took, and the KiB of memory that it had at most.
**
** As good as libcurl can be driven: so many handles, on which only what differs is set, before them a
** queue of the tasks that wait for one; answers into buffers that stay; no JSON read, but looked for
** what is needed.
*/
#include "system.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BODY "{\"model\":\"gen4.5\",\"promptText\":\"a lighthouse in fog, slow dolly in\"," \
             "\"ratio\":\"1280:720\",\"duration\":5}"

typedef enum step { SUBMIT, POLL, FETCH } step;

typedef struct task {
  struct task *next;           /* in the queue */
  step step;
  unsigned number;
  char id[64];
} task;

typedef struct place {
  CURL *easy;
  task *task;
  size_t len;
  char body[8192], output[300];
} place;

static const char *base, *directory;
static unsigned begun, ended, wanted, free_count;
static task *first, **last = &first;     /* they wait for a place */
static place **free_places;
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
  char url[300];
  long is_submit = p->task->step == SUBMIT;
  p->len = 0;
  if (is_submit) {
    (void)snprintf(url, sizeof url, "%s/v1/text_to_video", base);
    curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, BODY);
    curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, post_headers);
  } else {
    (void)snprintf(url, sizeof url, "%s/v1/tasks/%s", base, p->task->id);
    curl_easy_setopt(p->easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, get_headers);
  }
  curl_easy_setopt(p->easy, CURLOPT_FRESH_CONNECT, is_submit);
  curl_easy_setopt(p->easy, CURLOPT_URL, p->task->step == FETCH ? p->output : url);
  if (curl_multi_add_handle(multi, p->easy) != CURLM_OK) die("a handle was refused");
}


static void wait_in_line (task *t) {
  t->next = NULL;
  *last = t;
  last = &t->next;
}


static void serve_line (void) {
  while (first && free_count > 0) {
    place *p = free_places[--free_count];
    p->task = first;
    if (!(first = first->next)) last = &first;
    send_it(p);
  }
}


static void begin (task *t) {
  if (begun == wanted) return;
  t->number = begun++;
  t->step = SUBMIT;
  wait_in_line(t);
}


static void keep_file (place *p) {
  char path[400];
  int fd;
  (void)snprintf(path, sizeof path, "%s/%u.mp4", directory, p->task->number);
  fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, p->body, p->len) != (ssize_t)p->len || close(fd) != 0)
    die("a file cannot be written");
}


/* What comes after an answer; a file is fetched at once, by the handle that saw where it lies. */
static void go_on (place *p) {
  task *t = p->task;
  if (t->step == POLL && strstr(p->body, "\"SUCCEEDED\"")) {
    take_text(p->body, "\"output\":[\"", p->output, sizeof p->output);
    t->step = FETCH;
    send_it(p);
    return;
  }
  if (t->step == SUBMIT) {
    take_text(p->body, "\"id\":\"", t->id, sizeof t->id);
    t->step = POLL;
  }
  if (t->step == FETCH) {
    keep_file(p);
    ended++;
    begin(t);
  } else {
    wait_in_line(t);
  }
  free_places[free_count++] = p;
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
  serve_line();
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
  unsigned at_once, handles;
  struct rusage used;
  place *places;
  task *tasks;
  double began, cpu;
  int running = 0;
  if (argc != 6) die("usage: floor BASE_URL TASKS DIRECTORY AT_ONCE HANDLES");
  base = argv[1];
  wanted = (unsigned)strtoul(argv[2], NULL, 10);
  directory = argv[3];
  at_once = (unsigned)strtoul(argv[4], NULL, 10);
  handles = (unsigned)strtoul(argv[5], NULL, 10);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  places = calloc(handles, sizeof *places);
  free_places = calloc(handles, sizeof(place *));
  tasks = calloc(at_once, sizeof *tasks);
  if (!places || !free_places || !tasks || !(multi = curl_multi_init())) die("no memory");
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 2L * handles);
  get_headers = curl_slist_append(NULL, "Authorization: Bearer key");
  post_headers = curl_slist_append(NULL, "Authorization: Bearer key");
  post_headers = curl_slist_append(post_headers, "Content-Type: application/json");
  began = now();
  cpu = (double)clock() / CLOCKS_PER_SEC;
  for (unsigned i = 0; i < handles; i++) {
    open_place(&places[i]);
    free_places[free_count++] = &places[i];
  }
  for (unsigned i = 0; i < at_once; i++) begin(&tasks[i]);
  serve_line();
  for (;;) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) die("libcurl broke");
    reap();
    if (ended == wanted) break;
    if (curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK) die("libcurl broke");
  }
  getrusage(RUSAGE_SELF, &used);
  printf("%.6f %.6f %ld\n", (double)clock() / CLOCKS_PER_SEC - cpu, now() - began, used.ru_maxrss);
  free(tasks);
  free(free_places);
  free(places);
  return 0;
}
