/*
** server.c: what the benchmarks run against: a provider of clips on this machine.
**
**   server [DELAY LOOKS]
**
** Prints its port, and serves until the reader of its standard output has gone. What it answers
** leaves DELAY milliseconds after the request came (0).
**   POST anything       a new task: { "id": … }
**   GET /v1/tasks/ID    RUNNING at the first looks, SUCCEEDED at the last of LOOKS (3; 0: never)
**   GET /files/ID.mp4   4 KiB that begin as a film does
**   GET /bytes/N.mp4    N bytes that do
**   GET /busy           the seconds of CPU that it has used, at once
**
** One thread over epoll; an answer is one write of what fits into any socket's buffer, or, of a
** long one, as much as there is room for.
*/
#include "system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_TASKS (1 << 22)   /* ids begin anew after so many */
#define MOST_CONNS 8192        /* by descriptor */
#define FILE_BYTES 4096
#define PIECE (256 * 1024)     /* of what is long */

typedef struct conn {
  int fd;
  unsigned serial;             /* of those that had this descriptor */
  size_t len;
  long long unread, unsent;    /* of a long body, and of a long answer */
  char in[8 * 1024];           /* one request: its head, and a short body */
} conn;

/* Those that wait for their answer, which all do equally long. */
typedef struct waiting {
  double due;
  int fd;
  unsigned serial;
} waiting;

static conn conns[MOST_CONNS];
static waiting line[MOST_CONNS];         /* a ring */
static unsigned line_first, line_count;
static double delay;                     /* seconds */
static int wanted_looks = 3, epoll;
static char film[PIECE] = "\0\0\0\x18" "ftypisom\0\0\2\0isomiso2";
static unsigned char looks[MOST_TASKS];
static unsigned last_task;
static int port;


/*
** {=================================================================
** Answers
** ==================================================================
*/

static int put_head (char *to, const char *type, long long n) {
  return snprintf(to, 1024,
    "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %lld\r\n"
    "Date: Sat, 28 Nov 2026 12:00:00 GMT\r\nX-Request-Id: 7d3f0c52\r\n\r\n", type, n);
}


static void answer (conn *c, const char *type, const char *body, size_t n) {
  char out[1024 + FILE_BYTES];
  int head = put_head(out, type, (long long)n);
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
  if (++looks[task] < wanted_looks || wanted_looks == 0)
    (void)snprintf(json + n, sizeof json - (size_t)n, "\"status\":\"RUNNING\",\"progress\":0.%d}", looks[task] % 4 * 3);
  else
    (void)snprintf(json + n, sizeof json - (size_t)n, "\"status\":\"SUCCEEDED\","
      "\"output\":[\"http://127.0.0.1:%d/files/%.36s.mp4?_jwt=eyJhbGciOiJIUzI1NiJ9\"]}", port, id);
  answer_json(c, json);
}


static void answer_file (conn *c) {
  answer(c, "video/mp4", film, FILE_BYTES);
}


static void watch (const conn *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = c->fd};
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event) != 0) abort();
}


/* As much of a long answer as there is room for; false: the connection is over. */
static int go_on (conn *c) {
  while (c->unsent > 0) {
    ssize_t n = write(c->fd, film, c->unsent < PIECE ? (size_t)c->unsent : PIECE);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    c->unsent -= n;
  }
  watch(c, EPOLLIN);
  return 1;
}


static void answer_bytes (conn *c, const char *count) {
  char out[1024];
  int head;
  c->unsent = strtoll(count, NULL, 10);
  head = put_head(out, "video/mp4", c->unsent);
  if (write(c->fd, out, (size_t)head) != head) shutdown(c->fd, SHUT_RDWR);
  watch(c, EPOLLOUT);
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
  else if (strncmp(c->in, "GET /bytes/", 11) == 0) answer_bytes(c, c->in + 11);
  else if (strncmp(c->in, "GET /busy", 9) == 0) answer_busy(c);
  else if (strncmp(c->in, tasks, strlen(tasks)) == 0 && strlen(c->in) > strlen(tasks) + 36)
    answer_task(c, c->in + strlen(tasks));
  else shutdown(c->fd, SHUT_RDWR);
}

/* }================================================================= */


/*
** {=================================================================
** Connections
** ==================================================================
*/

static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}


/* It is whole: answered now, or put in the line. */
static void take (conn *c) {
  c->len = 0;
  if (delay == 0 || strncmp(c->in, "GET /busy", 9) == 0) {
    serve(c);
  } else {
    unsigned last = (line_first + line_count++) % MOST_CONNS;
    if (line_count > MOST_CONNS) abort();
    line[last] = (waiting){now() + delay, c->fd, c->serial};
  }
}


/* Answers those whose time has come; the milliseconds until the next one's, -1: none waits. */
static int serve_line (void) {
  while (line_count > 0) {
    waiting *w = &line[line_first];
    double left = w->due - now();
    if (left > 0) return (int)(left * 1000) + 1;
    if (conns[w->fd].serial == w->serial) serve(&conns[w->fd]);
    line_first = (line_first + 1) % MOST_CONNS;
    line_count--;
  }
  return -1;
}


/* Looks at what came of a request: is its head there, and how much lacks of its body? */
static int is_begun (conn *c) {
  const char *end = strstr(c->in, "\r\n\r\n"), *length;
  if (!end) return 0;
  length = strcasestr(c->in, "\r\nContent-Length:");
  c->unread = (end + 4 - c->in) - (long long)c->len +
              (length && length < end ? strtoll(length + 17, NULL, 10) : 0);
  return 1;
}


/* False: the connection is over. */
static int receive (conn *c) {
  static char rest[PIECE];
  int is_rest = c->unread > 0;
  ssize_t n = is_rest ? recv(c->fd, rest, sizeof rest, 0)
                      : recv(c->fd, c->in + c->len, sizeof c->in - 1 - c->len, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
  if (n <= 0) return 0;
  if (is_rest) {
    c->unread -= n;
  } else {
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    if (!is_begun(c)) return 1;
  }
  if (c->unread <= 0) take(c);
  return 1;
}


static void welcome (int listener) {
  int fd, yes = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd >= MOST_CONNS) abort();
    conns[fd].fd = fd;
    conns[fd].serial++;
    conns[fd].len = 0;
    conns[fd].unread = conns[fd].unsent = 0;
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


int main (int argc, char **argv) {
  int listener = open_listener();
  struct epoll_event new = {.events = EPOLLIN, .data.fd = listener};
  struct epoll_event reader = {.events = 0, .data.fd = STDOUT_FILENO};
  if (argc == 3) {
    delay = strtod(argv[1], NULL) / 1000;
    wanted_looks = (int)strtol(argv[2], NULL, 10);
  }
  (void)signal(SIGPIPE, SIG_IGN);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &new) != 0) return 1;
  (void)epoll_ctl(epoll, EPOLL_CTL_ADD, STDOUT_FILENO, &reader);
  printf("%d\n", port);
  (void)fflush(stdout);
  for (;;) {
    struct epoll_event came[64];
    int n = epoll_wait(epoll, came, 64, serve_line());
    for (int i = 0; i < n; i++) {
      int fd = came[i].data.fd;
      if (fd == STDOUT_FILENO) return 0;
      if (fd == listener) {
        welcome(listener);
      } else if (!(conns[fd].unsent > 0 ? go_on(&conns[fd]) : receive(&conns[fd]))) {
        conns[fd].serial++;
        close(fd);
      }
    }
  }
}

/* }================================================================= */
