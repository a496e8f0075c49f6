/*
** wake.c: a bell between threads.
*/
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <unistd.h>

#include "wake.h"


bool rw_descriptor_prepare (int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
         fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}


/*
** A host without standard error would have one of its sockets or films in that
** place, and what is said to standard error in it.
*/
static void hold_standard (void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0) {
      int held = open("/dev/null", O_RDWR); /* the lowest that is free */
      if (held > STDERR_FILENO) close(held);
    }
}


bool rw_wake_open (rw_wake *w) {
  int fd[2];
  hold_standard();
#ifdef __linux__
  if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) != 0) fd[0] = fd[1] = -1;
#else
  if (pipe(fd) != 0) {
    fd[0] = fd[1] = -1;
  } else if (!rw_descriptor_prepare(fd[0]) || !rw_descriptor_prepare(fd[1])) {
    close(fd[0]);
    close(fd[1]);
    fd[0] = fd[1] = -1;
  }
#endif
  w->out = fd[0];
  w->in = fd[1];
  return w->out >= 0;
}


void rw_wake_close (rw_wake *w) {
  if (w->out >= 0) close(w->out);
  if (w->in >= 0) close(w->in);
  w->out = w->in = -1;
}


void rw_wake_ring (int in) {
  ssize_t n;
  if (in < 0) return;
  do n = write(in, "", 1);
  while (n < 0 && errno == EINTR);       /* a full pipe rings loud enough */
}


void rw_wake_silence (const rw_wake *w) {
  char scrap[256];
  while (read(w->out, scrap, sizeof scrap) == (ssize_t)sizeof scrap) {}
}


/* For poll: rounded up, so that a timer is due when it returns. */
static int poll_ms (double seconds) {
  double ms = ceil(seconds * 1000);
  if (seconds < 0) return -1;
  return ms > 86400e3 ? 86400000 : (int)ms;
}


bool rw_wake_wait (const rw_wake *w, double seconds) {
  struct pollfd fd = {.fd = w->out, .events = POLLIN};
  return poll(&fd, 1, poll_ms(seconds)) > 0;
}


void rw_pause (double seconds) {
  (void)poll(NULL, 0, poll_ms(seconds));
}
