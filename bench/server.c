/*
** server.c: what the benchmarks run against: a provider of clips on this machine.
**
** Prints its port, and serves until the reader of its standard output has gone.
**   POST anything       a new task: { "id": … }
**   GET /v1/tasks/ID    RUNNING at the first looks, SUCCEEDED at the last of `LOOKS`
**   GET /files/ID.mp4   4 KiB that begin as a film does
**   GET /busy           the seconds of CPU that it has used
**
** One thread over epoll; an answer is one write of what fits into any socket's buffer.
*/
#include "system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOOKS 3
#define MOST_TASKS (1 << 22)   /* ids begin anew after so many */
#define MOST_CONNS 8192        /* by descriptor */
#define FILE_BYTES 4096

typedef struct conn {
  int fd;
  size_t len;
  char in[8 * 1024];           /* one request: its head and its body */
} conn;

static conn conns[MOST_CONNS];
static unsigned char looks[MOST_TASKS];
static unsigned last_task;
static int port;


/*
** {=================================================================
** Answers
** ==================================================================
*/

static void answer (conn *c, const char *type, const char *body, size_t n) {
  char out[1024 + FILE_BYTES];
  int head = snprintf(out, 1024,
    "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
    "Date: Sat, 28 Nov 2026 12:00:00 GMT\r\nX-Request-Id: 7d3f0c52\r\n\r\n", type, n);
  memcpy(out + head, body, n);
  if (write(c->fd, out, (size_t)head + n) != head + (ssize_t)n) shutdown(c->fd, SHUT_RDWR);
}


static void answer_json (conn *c, const char *json) {
  answer(c, "application/json", json, strlen(json));
}


static void answer_submit (conn *c) {
  char json[200];
  last_task = (last_task + 1) % MOST_TASKS;
  looks[last_task] = 0;
  (void)snprintf(json, sizeof json, "{\"id\":\"2f1c9a54-7b0e-4d1a-9c3e-%012x\"}", last_task);
  answer_json(c, json);
}


static void answer_task (conn *c, const char *id) {
  char json[600];
  unsigned task = (unsigned)strtoul(id + 24, NULL, 16) % MOST_TASKS;
  int n = snprintf(json, sizeof json, "{\"id\":\"%.36s\",\"createdAt\":\"2026-11-28T%02u:%02u:%02u.%03uZ\",",
    id, task / 3600000 % 24, task / 60000 % 60, task / 1000 % 60, task % 1000);
  if (++looks[task] < LOOKS)
    (void)snprintf(json + n, sizeof json - (size_t)n, "\"status\":\"RUNNING\",\"progress\":0.%d}", looks[task] * 3);
  else
    (void)snprintf(json + n, sizeof json - (size_t)n, "\"status\":\"SUCCEEDED\","
      "\"output\":[\"http://127.0.0.1:%d/files/%.36s.mp4?_jwt=eyJhbGciOiJIUzI1NiJ9\"]}", port, id);
  answer_json(c, json);
}


static void answer_file (conn *c) {
  static char film[FILE_BYTES] = "\0\0\0\x18" "ftypisom\0\0\2\0isomiso2";
  answer(c, "video/mp4", film, sizeof film);
}


static void answer_busy (conn *c) {
  char json[60];
  (void)snprintf(json, sizeof json, "{\"cpu\":%.6f}", (double)clock() / CLOCKS_PER_SEC);
  answer_json(c, json);
}


static void serve (conn *c) {
  const char *tasks = "GET /v1/tasks/";
  if (strncmp(c->in, "POST ", 5) == 0) answer_submit(c);
  else if (strncmp(c->in, "GET /files/", 11) == 0) answer_file(c);
  else if (strncmp(c->in, "GET /busy", 9) == 0) answer_busy(c);
  else if (strncmp(c->in, tasks, strlen(tasks)) == 0 && c->len > strlen(tasks) + 36)
    answer_task(c, c->in + strlen(tasks));
  else shutdown(c->fd, SHUT_RDWR);
}

/* }================================================================= */


/*
** {=================================================================
** Connections
** ==================================================================
*/

/* Is the request whole? */
static int is_whole (const conn *c) {
  const char *end = strstr(c->in, "\r\n\r\n"), *length;
  if (!end) return 0;
  length = strcasestr(c->in, "\r\nContent-Length:");
  return c->len >= (size_t)(end + 4 - c->in) +
                     (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
}


/* False: the connection is over. */
static int receive (conn *c) {
  ssize_t n = recv(c->fd, c->in + c->len, sizeof c->in - 1 - c->len, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
  if (n <= 0) return 0;
  c->len += (size_t)n;
  c->in[c->len] = '\0';
  if (!is_whole(c)) return 1;
  serve(c);
  c->len = 0;
  return 1;
}


static void welcome (int epoll, int listener) {
  int fd, yes = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd >= MOST_CONNS) abort();
    conns[fd].fd = fd;
    conns[fd].len = 0;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) abort();
  }
}


static int open_listener (void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 4096) != 0 ||
      getsockname(fd, (struct sockaddr *)&at, &n) != 0) {
    perror("server");
    exit(1);
  }
  port = ntohs(at.sin_port);
  return fd;
}


int main (void) {
  int listener = open_listener(), epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event new = {.events = EPOLLIN, .data.fd = listener};
  struct epoll_event reader = {.events = 0, .data.fd = STDOUT_FILENO};
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &new) != 0) return 1;
  (void)epoll_ctl(epoll, EPOLL_CTL_ADD, STDOUT_FILENO, &reader);
  printf("%d\n", port);
  (void)fflush(stdout);
  for (;;) {
    struct epoll_event came[64];
    int n = epoll_wait(epoll, came, 64, -1);
    for (int i = 0; i < n; i++) {
      int fd = came[i].data.fd;
      if (fd == STDOUT_FILENO) return 0;
      if (fd == listener) welcome(epoll, listener);
      else if (!receive(&conns[fd])) close(fd);
    }
  }
}

/* }================================================================= */
