/*
** listener.c: opening and closing a listener: its socket, its two threads.
*/
#include "system.h"

#ifdef RUNWAY_LISTENER   /* a host that compiles all of src/ may do without libmicrohttpd */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>

#include <microhttpd.h>

#include "clock.h"
#include "listener_peers.h"
#include "thread.h"

#define LINGER_MS 50           /* how long a close lets answers leave */


/* The time keeper: libmicrohttpd has no clock but for idle connections. */
static void *keep_time (void *arg) {
  rw_listener *l = arg;
  pthread_mutex_lock(&l->lock);
  while (!l->closing) {
    int ms = rw_peers_tend(l);
    pthread_mutex_unlock(&l->lock);
    if (rw_wake_wait(&l->bell, ms < 0 ? -1 : ms / 1000.0)) rw_wake_silence(&l->bell);
    pthread_mutex_lock(&l->lock);
  }
  pthread_mutex_unlock(&l->lock);
  return NULL;
}


/* The port a socket is bound to; 0 if it is none, or not bound. */
static uint16_t bound_port (int fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  } at = {0};
  socklen_t size = sizeof at;
  if (getsockname(fd, &at.any, &size) != 0) return 0;
  return ntohs(at.any.sa_family == AF_INET6 ? at.in6.sin6_port : at.in.sin_port);
}


/* A socket that listens; -1 with the reason. */
static int listen_at (const struct addrinfo *at, const char **why) {
  const int on = 1;
  int fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
  if (fd >= 0 && rw_descriptor_prepare(fd) &&
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      (at->ai_family != AF_INET6 ||
       setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
      bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
    return fd;
  *why = strerror(errno);
  if (fd >= 0) close(fd);
  return -1;
}


/* Starts both threads, with all signals blocked in them. Owns `fd`. */
static bool start_threads (rw_listener *l, int fd, bool ipv6) {
  sigset_t before;
  l->keeping = rw_thread_start(&l->keeper, "runway-listener", keep_time, l);
  rw_signals_block(&before);
  if (l->keeping) l->daemon = rw_peers_serve(l, fd, ipv6);
  rw_signals_restore(&before);
  /* where it fails, libmicrohttpd may have closed the socket, or not */
  if (!l->daemon && bound_port(fd) == l->port) close(fd);
  return l->daemon != NULL;
}


static rw_listener *new_listener (const rw_listen_options *o) {
  rw_listener *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  pthread_mutex_init(&l->lock, NULL);
  for (int i = RW_SLOTS - 1; i >= 0; i--) {
    l->peers[i].listener = l;
    l->peers[i].next = l->spare;
    l->spare = &l->peers[i];
  }
  l->owner = getpid();
  l->max_body = o->max_body_bytes;
  l->notify = l->bell.out = l->bell.in = -1;
  return l;
}


static const char *open_listener (rw_listener *l, const rw_listen_options *o) {
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                 .ai_socktype = SOCK_STREAM};
  const char *why = NULL;
  struct addrinfo *at;
  char port[8];
  bool ipv6;
  int fd;
  if (!rw_wake_open(&l->bell)) return strerror(errno);
  if (o->notify >= 0 && ((l->notify = dup(o->notify)) < 0 || !rw_descriptor_prepare(l->notify)))
    return errno == EBADF ? "'notify' is no open descriptor" : strerror(errno);
  snprintf(port, sizeof port, "%u", (unsigned)o->port);
  if (getaddrinfo(o->host, port, &hints, &at) != 0)
    return "the host must be an IPv4 or IPv6 address";
  ipv6 = at->ai_family == AF_INET6;
  fd = listen_at(at, &why);
  freeaddrinfo(at);
  if (fd < 0) return why;
  l->port = bound_port(fd);
  return start_threads(l, fd, ipv6) ? NULL : "its threads could not be started";
}


rw_listener *rw_listener_open (const rw_listen_options *o, char *why, size_t size) {
  rw_listener *l = new_listener(o);
  const char *problem = l ? open_listener(l, o) : "not enough memory";
  if (!problem) return l;
  snprintf(why, size, strchr(o->host, ':') ? "cannot listen on [%s]:%u: %s"
                                           : "cannot listen on %s:%u: %s",
           o->host, (unsigned)o->port, problem);
  if (l) rw_listener_close(l);
  return NULL;
}


void rw_listener_close (rw_listener *l) {
  int64_t until = rw_now_ms() + LINGER_MS;
  if (!rw_listener_usable(l)) return;
  while (rw_peers_shut(l) && rw_now_ms() < until) rw_pause(0.001);
  rw_wake_ring(l->bell.in);
  if (l->keeping) pthread_join(l->keeper, NULL);
  if (l->daemon) MHD_stop_daemon(l->daemon);     /* joins; nothing is suspended */
  rw_wake_close(&l->bell);
  if (l->notify >= 0) close(l->notify);
  pthread_mutex_destroy(&l->lock);
  free(l);
}


bool rw_listener_usable (const rw_listener *l) {
  return l->owner == getpid();
}


const char *rw_listener_library (void) {
  return MHD_get_version();
}

uint16_t rw_listener_port (const rw_listener *l) {
  return l->port;
}

#endif
