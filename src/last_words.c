/*
** last_words.c: what the process says at its end.
**
** The lines stand in blocks that are never freed, so that a signal handler may
** walk them without a lock: a line is written first and then marked, and its
** place is not given to another while someone says it. Each block has twice the
** lines of the one before: a program may have tens of thousands of paid tasks.
*/
#include "system.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "last_words.h"
#include "thread.h"

#define LINES 64               /* of the first block */

typedef void handler (int number);

enum { SILENT, STANDS, BEING_SAID };

typedef struct word_line {
  atomic_int state;            /* one of these */
  bool taken;                  /* under the lock, as the next two */
  int number;
  struct word_line *free;      /* the next one that is not taken */
  _Atomic(const void *) whose;
  size_t n;
  char text[RW_LAST_WORD];
} word_line;

typedef struct word_block {
  _Atomic(struct word_block *) next;
  int lines;
  word_line line[];
} word_block;

static struct {
  pthread_mutex_t lock;
  pthread_once_t once;
  _Atomic(pid_t) process;
  _Atomic(word_block *) first;
  word_line *free;             /* lines that are not taken; under the lock, as the next one */
  unsigned count;              /* lines that stand */
} last_said = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};


/* Async-signal-safe. Each line is said once. */
void rw_words_say (const void *whose) {
  if (atomic_load(&last_said.process) != getpid()) return;
  for (word_block *w = atomic_load(&last_said.first); w; w = atomic_load(&w->next))
    for (word_line *l = w->line; l < w->line + w->lines; l++) {
      int stands = STANDS;
      if (whose && atomic_load(&l->whose) != whose) continue;
      if (!atomic_compare_exchange_strong(&l->state, &stands, BEING_SAID)) continue;
      bool written = write(STDERR_FILENO, l->text, l->n) >= 0;
      atomic_store(&l->state, SILENT);
      if (!written) return;
    }
}


static void say_all (void) {
  rw_words_say(NULL);
}


static void on_signal (int number) {
  int was = errno;             /* whoever was interrupted may be about to look at it */
  say_all();
  (void)raise(number);         /* its action is the default again */
  errno = was;
}


static void guard_default (int number) {
  struct sigaction action = {0};
  action.sa_handler = on_signal;
  action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(number, &action, NULL);
}


#define GUARDED 4

/* A handler is followed once it is set, and never changed: no circle. */
static const int numbers[GUARDED] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
static _Atomic(handler *) hosts[GUARDED];
static atomic_bool once[GUARDED];        /* it was set for one signal only */


/* The host's handler, and ours after it: lua.c's lets the next Ctrl-C end the
** process, which may come before anyone has looked at the first. */
static void on_hosts_signal (int number) {
  struct sigaction action;
  int i = 0, was = errno;
  while (i < GUARDED - 1 && numbers[i] != number) i++;
  atomic_load (&hosts[i])(number);
  if (sigaction(number, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) &&
      (action.sa_handler == SIG_DFL ||
       (atomic_load(&once[i]) && action.sa_handler == on_hosts_signal)))
    guard_default(number);
  errno = was;
}


static void guard_hosts (int i, struct sigaction *action) {
  handler *none = NULL, *host = action->sa_handler;
  if (host == SIG_IGN || host == on_signal || host == on_hosts_signal) return;
  if (!atomic_compare_exchange_strong(&hosts[i], &none, host) && none != host) return;
  atomic_store(&once[i], (action->sa_flags & (int)SA_RESETHAND) != 0);
  action->sa_handler = on_hosts_signal;
  action->sa_flags &= ~(int)SA_RESETHAND;
  (void)sigaction(numbers[i], action, NULL);
}


void rw_words_guard_signals (void) {
  rw_stay_loaded();
  for (int i = 0; i < GUARDED; i++) {
    struct sigaction action;
    if (sigaction(numbers[i], NULL, &action) != 0 || (action.sa_flags & SA_SIGINFO)) continue;
    if (action.sa_handler == SIG_DFL) guard_default(numbers[i]);
    else guard_hosts(i, &action);
  }
}


/* What is still ours is as it was before: a host that looks, or that keeps what it
** replaces, finds its own. */
static void let_signals_be (void) {
  for (int i = 0; i < GUARDED; i++) {
    struct sigaction action;
    if (sigaction(numbers[i], NULL, &action) != 0 || (action.sa_flags & SA_SIGINFO)) continue;
    if (action.sa_handler == on_signal) {
      action = (struct sigaction){0};
      action.sa_handler = SIG_DFL;
      (void)sigemptyset(&action.sa_mask);
    } else if (action.sa_handler == on_hosts_signal) {
      action.sa_handler = atomic_load(&hosts[i]);
      if (atomic_load(&once[i])) action.sa_flags |= (int)SA_RESETHAND;
    } else {
      continue;
    }
    (void)sigaction(numbers[i], &action, NULL);
  }
}


static void words_init (void) {
  atomic_store(&last_said.process, getpid());
  (void)atexit(say_all);
}


/* Are there lines of this process? A child of fork has none, and no use of the lock. */
static bool lock_words (void) {
  if (atomic_load(&last_said.process) != getpid()) return false;
  pthread_mutex_lock(&last_said.lock);
  return true;
}


/* Gives a place back, unless its line is being said: by a signal's handler, at the
** process's end. */
static void vacate (word_line *l) {
  int state = STANDS;
  if (atomic_compare_exchange_strong(&l->state, &state, SILENT) || state == SILENT) {
    l->taken = false;
    l->free = last_said.free;
    last_said.free = l;
    if (--last_said.count == 0) let_signals_be();
  }
}


/* One more block, under the lock; its lines are free, the first in front. */
static void add_block (void) {
  _Atomic(word_block *) *at = &last_said.first;
  int lines = LINES, before = 0;
  word_block *w;
  for (; (w = atomic_load(at)) != NULL; at = &w->next) {
    before += w->lines;
    lines = 2 * w->lines;
  }
  w = calloc(1, sizeof *w + (size_t)lines * sizeof w->line[0]);
  if (!w) return;
  w->lines = lines;
  for (int i = lines - 1; i >= 0; i--) {
    w->line[i].number = before + i;
    w->line[i].free = last_said.free;
    last_said.free = &w->line[i];
  }
  atomic_store(at, w);
}


int rw_words_leave (const void *whose, const char *line, size_t n) {
  int number = -1;
  word_line *l;
  (void)pthread_once(&last_said.once, words_init);
  if (!lock_words()) return -1;
  if (last_said.count == 0) rw_words_guard_signals();
  if (!last_said.free) add_block();
  l = last_said.free;
  if (l) {
    last_said.free = l->free;
    l->taken = true;
    last_said.count++;
    l->n = n < RW_LAST_WORD ? n : RW_LAST_WORD;
    memcpy(l->text, line, l->n);
    if (n > RW_LAST_WORD) l->text[RW_LAST_WORD - 1] = '\n';
    atomic_store(&l->whose, whose);
    atomic_store(&l->state, STANDS);
    number = l->number;
  }
  pthread_mutex_unlock(&last_said.lock);
  return number;
}


void rw_words_take_back (const void *whose, int number) {
  word_block *w;
  if (!lock_words()) return;
  w = number >= 0 ? atomic_load(&last_said.first) : NULL;
  for (; w && number >= w->lines; w = atomic_load(&w->next)) number -= w->lines;
  if (w && w->line[number].taken && atomic_load(&w->line[number].whose) == whose)
    vacate(&w->line[number]);
  pthread_mutex_unlock(&last_said.lock);
}


void rw_words_end (const void *whose) {
  rw_words_say(whose);
  if (!lock_words()) return;
  for (word_block *w = atomic_load(&last_said.first); w; w = atomic_load(&w->next))
    for (word_line *l = w->line; l < w->line + w->lines; l++)
      if (l->taken && atomic_load(&l->whose) == whose) vacate(l);
  pthread_mutex_unlock(&last_said.lock);
}
