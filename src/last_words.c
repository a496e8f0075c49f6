/*
** last_words.c: what the process says at its end.
**
** The lines stand in blocks that are never freed, so that a signal handler may
** walk them without a lock: a line is written first and then marked.
*/
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "last_words.h"
#include "thread.h"

#define LINE 400               /* bytes; the longest id has 512 */
#define LINES 64               /* of a block */

typedef void handler (int number);

typedef struct word_block {
  struct {
    atomic_bool said;          /* stands here, to be said */
    _Atomic(const void *) whose;
    bool taken;                /* under the lock */
    size_t n;
    char text[LINE];
  } line[LINES];
  _Atomic(struct word_block *) next;
} word_block;

static struct {
  pthread_mutex_t lock;
  pthread_once_t once;
  pid_t owner;
  _Atomic(word_block *) first;
  unsigned count;              /* lines that stand; under the lock */
} last_said = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};


/* All that stands, or with `whose` only theirs. Async-signal-safe. */
void rw_words_say (const void *whose) {
  if (last_said.owner != getpid()) return;
  for (word_block *w = atomic_load(&last_said.first); w; w = atomic_load(&w->next))
    for (int i = 0; i < LINES; i++)
      if ((!whose || atomic_load(&w->line[i].whose) == whose) &&
          atomic_exchange(&w->line[i].said, false))
        if (write(STDERR_FILENO, w->line[i].text, w->line[i].n) < 0) return;
}


static void say_all (void) {
  rw_words_say(NULL);
}


static void on_signal (int number) {
  say_all();
  (void)raise(number);         /* its action is the default again */
}


static void guard_default (int number) {
  struct sigaction action = {0};
  action.sa_handler = on_signal;
  action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(number, &action, NULL);
}


#define GUARDED 3

/* A handler is followed once it is set, and never changed: no circle. */
static const int numbers[GUARDED] = {SIGINT, SIGTERM, SIGHUP};
static _Atomic(handler *) hosts[GUARDED];
static atomic_bool once[GUARDED];        /* it was set for one signal only */


/* The host's handler, and ours after it: lua.c's lets the next Ctrl-C end the
** process, which may come before anyone has looked at the first. */
static void on_hosts_signal (int number) {
  struct sigaction action;
  int i = 0;
  while (i < GUARDED - 1 && numbers[i] != number) i++;
  atomic_load(&hosts[i])(number);
  if (sigaction(number, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) &&
      (action.sa_handler == SIG_DFL ||
       (atomic_load(&once[i]) && action.sa_handler == on_hosts_signal)))
    guard_default(number);
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


static void words_init (void) {
  last_said.owner = getpid();
  (void)atexit(say_all);
}


/* The block and the place of a number. */
static word_block *block_of (int *number) {
  word_block *w = atomic_load(&last_said.first);
  for (; w && *number >= LINES; *number -= LINES) w = atomic_load(&w->next);
  return w;
}


int rw_words_leave (const void *whose, const char *line, size_t n) {
  _Atomic(word_block *) *at = &last_said.first;
  int number = 0, i = LINES;
  word_block *w;
  (void)pthread_once(&last_said.once, words_init);
  if (last_said.owner != getpid()) return -1;         /* a child of fork has none of its own */
  pthread_mutex_lock(&last_said.lock);
  if (last_said.count == 0) rw_words_guard_signals();
  while ((w = atomic_load(at)) != NULL) {
    for (i = 0; i < LINES && w->line[i].taken; i++) continue;
    if (i < LINES) break;
    number += LINES;
    at = &w->next;
  }
  if (!w) {
    w = calloc(1, sizeof *w);
    if (w) atomic_store(at, w);
    i = 0;
  }
  if (w) {
    w->line[i].taken = true;
    last_said.count++;
    w->line[i].n = n < LINE ? n : LINE;
    memcpy(w->line[i].text, line, w->line[i].n);
    if (n > LINE) w->line[i].text[LINE - 1] = '\n';
    atomic_store(&w->line[i].whose, whose);
    atomic_store(&w->line[i].said, true);
  }
  pthread_mutex_unlock(&last_said.lock);
  return w ? number + i : -1;
}


void rw_words_take_back (int number) {
  word_block *w;
  pthread_mutex_lock(&last_said.lock);
  w = number >= 0 ? block_of(&number) : NULL;
  if (w && w->line[number].taken) {
    atomic_store(&w->line[number].said, false);
    w->line[number].taken = false;
    last_said.count--;
  }
  pthread_mutex_unlock(&last_said.lock);
}
