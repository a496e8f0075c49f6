/*
** idle.h: connections that libcurl keeps for later, by the server they lead to.
**
** A server that serves one connection at a time does not get to a paid request
** on a connection of its own while it waits for words on an idle one. libcurl
** cannot be told to close those of one server, but their sockets can be shut:
** the server sees the end at once, libcurl when it would use them again.
** All calls belong to the thread that runs the transfers.
*/
#ifndef RW_IDLE_H
#define RW_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define RW_IDLE_MOST 128

typedef struct rw_idle {
  unsigned count;
  struct {
    int fd;
    long port;                 /* our end's: it names the connection */
    uint64_t server;
  } at[RW_IDLE_MOST];
} rw_idle;

/* The connection with this socket, to the server of this URL, is kept. */
void rw_idle_keep (rw_idle *idle, int fd, long port, const char *url);

/* It is used again; it is closed. */
void rw_idle_use (rw_idle *idle, long port);
void rw_idle_close (rw_idle *idle, int fd);

/* Is one kept for the server of this URL? */
bool rw_idle_has (const rw_idle *idle, const char *url);

/* Shuts all that are kept for the server of this URL. */
void rw_idle_shut (rw_idle *idle, const char *url);

#pragma GCC visibility pop

#endif
