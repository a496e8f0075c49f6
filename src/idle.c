/*
** idle.c: connections that libcurl keeps for later.
*/
#include "system.h"

#include <string.h>
#include <sys/socket.h>

#include "idle.h"


/* A number for "https://host:port": that two servers have the same costs one of
** them an idle connection. */
static uint64_t idle_server (const char *url) {
  const char *host = strstr(url, "://");
  size_t n = host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : strlen(url);
  uint64_t hash = 14695981039346656037u;         /* FNV-1a */
  for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)url[i]) * 1099511628211u;
  return hash;
}


static void idle_forget (rw_idle *idle, unsigned i) {
  idle->count--;
  memmove(&idle->at[i], &idle->at[i + 1], (idle->count - i) * sizeof *idle->at);
}


void rw_idle_keep (rw_idle *idle, int fd, long port, const char *url) {
  rw_idle_close(idle, fd);
  if (idle->count == RW_IDLE_MOST) idle_forget(idle, 0);
  idle->at[idle->count].fd = fd;
  idle->at[idle->count].port = port;
  idle->at[idle->count].server = idle_server(url);
  idle->count++;
}


void rw_idle_use (rw_idle *idle, long port) {
  for (unsigned i = idle->count; i > 0; i--)
    if (idle->at[i - 1].port == port) idle_forget(idle, i - 1);
}


void rw_idle_close (rw_idle *idle, int fd) {
  for (unsigned i = idle->count; i > 0; i--)
    if (idle->at[i - 1].fd == fd) idle_forget(idle, i - 1);
}


bool rw_idle_has (const rw_idle *idle, const char *url) {
  uint64_t server = idle_server(url);
  unsigned i = 0;
  while (i < idle->count && idle->at[i].server != server) i++;
  return i < idle->count;
}


void rw_idle_shut (rw_idle *idle, const char *url) {
  uint64_t server = idle_server(url);
  for (unsigned i = idle->count; i > 0; i--)
    if (idle->at[i - 1].server == server) {
      (void)shutdown(idle->at[i - 1].fd, SHUT_RDWR);
      idle_forget(idle, i - 1);
    }
}
