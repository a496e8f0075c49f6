/*
** program.c: another program, from its start to its end.
**
** Its end is looked for by its id, and not by the end of what it says: a program
** of its own that it left behind may hold the pipes open for ever.
*/
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "program.h"
#include "wake.h"

#define SAID_MOST 65536        /* bytes kept of the end of what it says */
#define PROGRAM_LOOK_MS 20     /* at most between looks at the time, and at whether to stop */
#define PROGRAM_FIRST_MS 1     /* at first: for one that is over at once */

extern char **environ;

typedef struct program {
  pid_t id;
  struct pollfd said[2];       /* its standard output and error; fd -1: at an end */
} program;


/*
** {=================================================================
** The start
** ==================================================================
*/

/* A pipe whose end for the program is none of 0, 1 and 2, onto which it is put. */
static bool program_pipe (int *out, int *in) {
  int fd[2];
  if (pipe(fd) != 0) return false;
  *in = fcntl(fd[1], F_DUPFD_CLOEXEC, 3);
  close(fd[1]);
  if (*in >= 0 && rw_descriptor_prepare(fd[0])) {
    *out = fd[0];
    return true;
  }
  if (*in >= 0) close(*in);
  *in = -1;
  close(fd[0]);
  return false;
}


/* 0, or what is missing for it, an errno value. */
static int program_actions (posix_spawn_file_actions_t *actions, const int in[2]) {
  int err = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  for (int i = 0; !err && i < 2; i++)
    err = posix_spawn_file_actions_adddup2(actions, in[i], i + 1);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
  if (!err) err = posix_spawn_file_actions_addclosefrom_np(actions, 3);
#endif
  return err;
}


/* None of our signals' masks and dispositions, and a group that can be killed. */
static int program_attributes (posix_spawnattr_t *attributes) {
  sigset_t signals;
  int flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
  flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
  sigemptyset(&signals);
  (void)posix_spawnattr_setsigmask(attributes, &signals);
  sigfillset(&signals);
  (void)posix_spawnattr_setsigdefault(attributes, &signals);
  (void)posix_spawnattr_setpgroup(attributes, 0);
  return posix_spawnattr_setflags(attributes, (short)flags);
}


/* 0, or an errno value. */
static int program_spawn (program *p, char **argv, const int in[2]) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int err = posix_spawn_file_actions_init(&actions);
  if (err) return err;
  err = posix_spawnattr_init(&attributes);
  if (!err) {
    err = program_actions(&actions, in);
    if (!err) err = program_attributes(&attributes);
    if (!err) err = posix_spawn(&p->id, argv[0], &actions, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
  }
  (void)posix_spawn_file_actions_destroy(&actions);
  return err;
}


static void program_close (program *p) {
  for (int i = 0; i < 2; i++) {
    if (p->said[i].fd >= 0) close(p->said[i].fd);
    p->said[i].fd = -1;
  }
}


static int program_start (program *p, char **argv) {
  int in[2] = {-1, -1}, err = 0;
  for (int i = 0; i < 2; i++)
    p->said[i] = (struct pollfd){.fd = -1, .events = POLLIN};
  for (int i = 0; !err && i < 2; i++)
    if (!program_pipe(&p->said[i].fd, &in[i])) err = errno;
  if (!err) err = program_spawn(p, argv, in);
  for (int i = 0; i < 2; i++)
    if (in[i] >= 0) close(in[i]);
  if (err) program_close(p);
  return err;
}

/* }================================================================= */


/*
** {=================================================================
** While it runs
** ==================================================================
*/

static void trim_to_end (rw_buffer *said) {
  if (said->len <= SAID_MOST) return;
  memmove(said->data, said->data + said->len - SAID_MOST, SAID_MOST);
  said->len = SAID_MOST;
  said->data[said->len] = '\0';
}


/* Keeps the end of what is said. Without memory a piece is lost, and no more. */
static void keep_end (rw_buffer *said, const char *piece, size_t n) {
  if (said->len + n > 2 * (size_t)SAID_MOST) trim_to_end(said);
  (void)rw_buffer_append(said, piece, n);
}


/* Takes what is there, and no more than some: one that talks without end is to be
** looked at as well. */
static void program_listen (struct pollfd *from, rw_buffer *said) {
  char piece[8192];
  for (int i = 0; i < 32 && from->fd >= 0; i++) {
    ssize_t n = read(from->fd, piece, sizeof piece);
    if (n > 0) {
      keep_end(said, piece, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      close(from->fd);
      from->fd = -1;
    } else if (errno == EAGAIN) {
      return;
    }
  }
}


static void program_hear (program *p, rw_request *r) {
  program_listen(&p->said[0], &r->body);
  program_listen(&p->said[1], &r->head);
}


/* Has it ended? What a host of ours has waited for in our place is lost to us. */
static bool program_ended (const program *p, rw_request *r, int flags) {
  int how;
  pid_t found;
  do found = waitpid(p->id, &how, flags);
  while (found < 0 && errno == EINTR);
  if (found == 0) return false;
  if (found < 0) {
    rw_fail(&r->error, RW_IO, "exit_code", "how a program ended cannot be known: %s (does this "
            "process ignore SIGCHLD, or wait for all its children?)", strerror(errno));
  } else {
    r->exit_code = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
  }
  return true;
}


/* By its own id as well: it may have left its group, and is waited for. */
static void program_kill (const program *p, rw_request *r) {
  (void)kill(-p->id, SIGKILL);
  (void)kill(p->id, SIGKILL);
  (void)program_ended(p, r, 0);
}


static void tell_late (rw_request *r) {
  char shown[RW_SHOWN_PATH];
  rw_file_show(r->argv[0], shown, sizeof shown);
  rw_fail(&r->error, RW_TIMEOUT, "program", "%s came to no end within %g s", shown,
          (double)r->timeout_ms / 1000);
}


static void program_attend (program *p, rw_request *r) {
  double began = rw_now();
  int pause = PROGRAM_FIRST_MS;
  while (!program_ended(p, r, WNOHANG)) {
    bool late = r->timeout_ms > 0 && (rw_now() - began) * 1000 >= (double)r->timeout_ms;
    if (late) tell_late(r);
    if (late || atomic_load(&r->stop)) {
      program_kill(p, r);
      break;
    }
    (void)poll(p->said, 2, pause);
    program_hear(p, r);
    pause = pause * 2 < PROGRAM_LOOK_MS ? pause * 2 : PROGRAM_LOOK_MS;
  }
  program_hear(p, r);
  trim_to_end(&r->body);
  trim_to_end(&r->head);
}


void rw_program_run (rw_request *r) {
  char shown[RW_SHOWN_PATH];
  program p;
  int err = program_start(&p, r->argv);
  if (err) {
    rw_file_show(r->argv[0], shown, sizeof shown);
    rw_fail(&r->error, RW_IO, rw_file_none_left(err) ? "descriptors" : "start", "cannot start %s: %s",
            shown, strerror(err));
    r->error.permanent = !rw_file_none_left(err);
    return;
  }
  program_attend(&p, r);
  program_close(&p);
}

/* }================================================================= */
