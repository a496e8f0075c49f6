/*
** term.c: SIGTERM as a word that a worker looks for, and not the end.
*/
#include "system.h"

#include <signal.h>
#include <stdatomic.h>

#include "term.h"
#include "thread.h"

static atomic_bool term_came;


/* The first is noted; the second ends the process, as it would have without us. */
static void on_term (int number) {
  if (!atomic_exchange(&term_came, true)) return;
  (void)signal(number, SIG_DFL);
  (void)raise(number);
}


void rw_term_catch (void) {
  struct sigaction action;
  if (sigaction(SIGTERM, NULL, &action) != 0 || action.sa_handler != SIG_DFL) return;
  rw_stay_loaded();
  action = (struct sigaction){0};
  action.sa_handler = on_term;
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(SIGTERM, &action, NULL);
}


bool rw_term_came (void) {
  return atomic_load(&term_came);
}
