/*
** store.c: SQL on a thread of its own.
**
** The path of a transaction: inbox -> the thread -> done -> took. The two lists
** are shared and guarded by the mutex; what lies between is the thread's. A bell
** wakes it, and no condition, since it may wait for the database, too.
*/
#include "system.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "clock.h"
#include "farewell.h"
#include "store.h"
#include "thread.h"
#include "wake.h"

#define CONNECT_MS 5000        /* for a server that was there before */
#define STORE_CLOSE_MS 1000    /* how long a close may hold its caller */
#define STORE_LEAVE_MS 800     /* what the end of the process leaves for the rest */
#define FIRST_PAUSE_MS 50      /* between attempts to connect; doubled each time, */
#define LONGEST_PAUSE_MS 800   /* up to this */

typedef struct rw_transactions {
  rw_transaction *first, *last;
} rw_transactions;

struct rw_store {
  /* shared, under the lock */
  pthread_mutex_t lock;
  pthread_cond_t ended;        /* over */
  rw_transactions inbox, done;
  bool closing, over;
  bool orphan;                 /* the caller left; the thread frees the store */
  bool joinable;               /* the thread is to be joined, or detached */
  pthread_t thread;

  /* set once */
  const rw_store_driver *driver;
  char *where;
  int notify;
  rw_wake bell;
  pid_t owner;
  rw_farewell farewell;

  rw_patience patience;        /* atomic */

  /* the thread's */
  void *db;                    /* NULL: not open */
  bool was_open;
  rw_transactions ears;        /* what hears */
  bool listening;              /* db does */
  bool told;                   /* of something, which none has heard */
};


/*
** {=================================================================
** Transactions and what they are told
** ==================================================================
*/

rw_transaction *rw_transaction_new (void) {
  return calloc(1, sizeof(rw_transaction));
}


void rw_transaction_free (rw_transaction *t) {
  if (!t) return;
  rw_cells_free(&t->in);
  rw_cells_free(&t->out);
  free(t);
}


static void add_last (rw_transactions *list, rw_transaction *t) {
  t->next = NULL;
  if (list->last) list->last->next = t; else list->first = t;
  list->last = t;
}


static rw_transaction *take_first (rw_transactions *list) {
  rw_transaction *t = list->first;
  if (!t) return NULL;
  list->first = t->next;
  if (!list->first) list->last = NULL;
  t->next = NULL;
  return t;
}


static void free_all (rw_transactions *list) {
  rw_transaction *t;
  while ((t = take_first(list)) != NULL) rw_transaction_free(t);
}


const char *rw_store_word (rw_store_code code) {
  static const char *const words[] = {
    [RW_STORE_FINE] = "fine", [RW_STORE_BUSY] = "busy", [RW_STORE_FULL] = "full",
    [RW_STORE_READONLY] = "readonly", [RW_STORE_CORRUPT] = "corrupt",
    [RW_STORE_NO_DATABASE] = "not_a_database", [RW_STORE_LOST] = "lost",
    [RW_STORE_CONSTRAINT] = "constraint", [RW_STORE_SQL] = "sql", [RW_STORE_MEMORY] = "memory",
    [RW_STORE_IO] = "io", [RW_STORE_NO_LOCKS] = "no_locks", [RW_STORE_WHERE] = "where",
  };
  return words[code];
}


bool rw_store_trouble (rw_trouble *t, rw_store_code code, const char *format, ...) {
  va_list arguments;
  t->code = code;
  va_start(arguments, format);
  (void)vsnprintf(t->message, sizeof t->message, format, arguments);
  va_end(arguments);
  return false;
}


bool rw_patience_over (const rw_patience *p, int64_t since, int64_t ms) {
  int64_t now = rw_now_ms();
  return now - since >= ms || now >= atomic_load(&p->end);
}

/* }================================================================= */


/*
** {=================================================================
** The thread
** ==================================================================
*/

/* Connects where there is no connection. One that was there before is waited for. */
static bool connect_store (rw_store *s, rw_trouble *trouble) {
  int64_t since = rw_now_ms();
  long pause = FIRST_PAUSE_MS;
  while (!s->db) {
    s->db = s->driver->open(s->where, &s->patience, trouble);
    if (s->db) break;
    if (trouble->code != RW_STORE_LOST || !s->was_open) return false;
    if (rw_patience_over(&s->patience, since, CONNECT_MS)) return false;
    rw_pause((double)pause / 1000);
    if (pause < LONGEST_PAUSE_MS) pause *= 2;
  }
  s->was_open = true;
  return true;
}


static void disconnect (rw_store *s) {
  if (s->db) s->driver->close(s->db);
  s->db = NULL;
  s->listening = false;
}


static bool run_statements (rw_store *s, rw_transaction *t) {
  size_t at = 0;
  t->trouble = (rw_trouble){0};
  rw_cells_cut(&t->out, 0);
  while (at < rw_cells_count(&t->in))
    if (!s->driver->run(s->db, &t->in, &at, &t->out, &t->trouble)) {
      rw_cells_cut(&t->out, 0);
      return false;
    }
  return true;
}


/* Each within a savepoint, but one that is alone; false: what is around them
** cannot go on. */
static bool run_each (rw_store *s, const rw_transactions *batch, rw_trouble *trouble) {
  if (!batch->first->next) {
    if (run_statements(s, batch->first)) return true;
    *trouble = batch->first->trouble;
    return false;
  }
  for (rw_transaction *t = batch->first; t; t = t->next) {
    if (!s->driver->command(s->db, "SAVEPOINT one", trouble)) return false;
    if (run_statements(s, t)) {
      if (!s->driver->command(s->db, "RELEASE SAVEPOINT one", trouble)) return false;
    } else if (t->trouble.code == RW_STORE_LOST ||
               !s->driver->command(s->db, "ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one",
                                   trouble)) {
      *trouble = t->trouble;
      return false;
    }
  }
  return true;
}


typedef enum batch_end { BATCH_DONE, BATCH_REFUSED, BATCH_BROKEN } batch_end;


static batch_end try_batch (rw_store *s, const rw_transactions *batch, bool writes,
                            rw_trouble *trouble) {
  rw_trouble ignored = {0};
  batch_end end = BATCH_REFUSED;
  *trouble = (rw_trouble){0};
  if (!connect_store(s, trouble)) return BATCH_REFUSED;
  if (s->driver->begin(s->db, writes, trouble)) {
    if (!run_each(s, batch, trouble)) end = BATCH_BROKEN;
    else if (s->driver->command(s->db, "COMMIT", trouble)) return BATCH_DONE;
    else trouble->maybe = writes && (trouble->code == RW_STORE_LOST ||
                                     trouble->code == RW_STORE_IO);
  }
  if (trouble->code != RW_STORE_LOST) (void)s->driver->command(s->db, "ROLLBACK", &ignored);
  if (trouble->code == RW_STORE_LOST || ignored.code == RW_STORE_LOST) disconnect(s);
  return end;
}


static void perform (rw_store *s, rw_transactions *batch, bool writes);


/* So that one which breaks more than itself takes no other with it. */
static void perform_alone (rw_store *s, rw_transactions *batch, bool writes) {
  rw_transactions all = *batch;
  rw_transaction *t;
  *batch = (rw_transactions){0};
  while ((t = take_first(&all)) != NULL) {
    rw_transactions one = {0};
    add_last(&one, t);
    perform(s, &one, writes);
    add_last(batch, t);
  }
}


/* All or none of each; what was lost before its COMMIT is done once more. */
static void perform (rw_store *s, rw_transactions *batch, bool writes) {
  rw_trouble trouble;
  batch_end end;
  if (!batch->first) return;
  end = try_batch(s, batch, writes, &trouble);
  if (end != BATCH_DONE && trouble.code == RW_STORE_LOST && !trouble.maybe)
    end = try_batch(s, batch, writes, &trouble);
  if (end == BATCH_DONE) return;
  if (end == BATCH_BROKEN && trouble.code != RW_STORE_LOST && batch->first->next) {
    perform_alone(s, batch, writes);
    return;
  }
  for (rw_transaction *t = batch->first; t; t = t->next) {
    t->trouble = trouble;
    rw_cells_cut(&t->out, 0);
  }
}


static void hand_out (rw_store *s, rw_transactions *batch) {
  rw_transaction *t;
  if (!batch->first) return;
  pthread_mutex_lock(&s->lock);
  while ((t = take_first(batch)) != NULL) add_last(&s->done, t);
  pthread_mutex_unlock(&s->lock);
  rw_wake_ring(s->notify);
}


/* Takes those of one kind out of the list, in their order. */
static rw_transactions those_that (rw_store_act act, rw_transactions *from) {
  rw_transactions taken = {0}, left = {0};
  rw_transaction *t;
  while ((t = take_first(from)) != NULL) add_last(t->act == act ? &taken : &left, t);
  *from = left;
  return taken;
}


static void answer_ears (rw_store *s, const rw_trouble *trouble) {
  for (rw_transaction *t = s->ears.first; t; t = t->next) t->trouble = *trouble;
  s->told = false;
  hand_out(s, &s->ears);
}


/* One try, since who hears tries again, and others are not to wait for it. */
static void begin_to_listen (rw_store *s) {
  rw_trouble trouble = {0};
  if (!s->driver->listen) {
    rw_store_trouble(&trouble, RW_STORE_SQL, "this database tells of nothing");
  } else {
    if (!s->db) s->db = s->driver->open(s->where, &s->patience, &trouble);
    if (s->db) {
      s->was_open = true;
      s->listening = s->driver->listen(s->db, &trouble);
    }
    if (trouble.code == RW_STORE_LOST) disconnect(s);
  }
  s->told = s->listening;
  if (!s->listening) answer_ears(s, &trouble);
}


/* Waits for the bell; and hears what is told meanwhile. */
static void store_wait (rw_store *s) {
  if (s->ears.first && !s->listening) begin_to_listen(s);
  if (s->ears.first && s->told) answer_ears(s, &(rw_trouble){0});
  if (!s->listening) {
    (void)rw_wake_wait(&s->bell, -1);
  } else if (!s->driver->await(s->db, s->bell.out, &s->told)) {
    disconnect(s);
    s->told = true;
  }
  rw_wake_silence(&s->bell);
}


/* Waits for something to do; false when it is to end and nothing is left. */
static bool store_receive (rw_store *s, rw_transactions *in) {
  while (true) {
    bool closing;
    pthread_mutex_lock(&s->lock);
    *in = s->inbox;
    s->inbox = (rw_transactions){0};
    closing = s->closing;
    pthread_mutex_unlock(&s->lock);
    if (in->first || closing) return in->first != NULL;
    store_wait(s);
  }
}


static void free_store (rw_store *s) {
  free_all(&s->inbox);
  free_all(&s->done);
  free_all(&s->ears);
  rw_wake_close(&s->bell);
  if (s->notify >= 0) close(s->notify);
  pthread_cond_destroy(&s->ended);
  pthread_mutex_destroy(&s->lock);
  free(s->where);
  free(s);
}


static void *store_main (void *arg) {
  rw_store *s = arg;
  rw_transactions in;
  bool orphan;
  while (store_receive(s, &in)) {
    rw_transactions writes = those_that(RW_STORE_WRITE, &in);
    rw_transactions reads = those_that(RW_STORE_READ, &in);
    rw_transactions ears = those_that(RW_STORE_HEAR, &in);
    perform(s, &writes, true);
    hand_out(s, &writes);
    perform(s, &reads, false);
    hand_out(s, &reads);
    while (ears.first) add_last(&s->ears, take_first(&ears));
    if (in.first) {
      disconnect(s);
      answer_ears(s, &(rw_trouble){0});
    }
    hand_out(s, &in);
  }
  disconnect(s);
  rw_farewell_leave(&s->farewell);
  pthread_mutex_lock(&s->lock);
  s->over = true;
  orphan = s->orphan;
  pthread_cond_broadcast(&s->ended);
  pthread_mutex_unlock(&s->lock);
  if (orphan) free_store(s);
  return NULL;
}

/* }================================================================= */


/*
** {=================================================================
** The caller's side
** ==================================================================
*/

/* The process ends: who started the thread may never come back to join it. */
static void store_farewell (void *data) {
  rw_store *s = data;
  atomic_store(&s->patience.end, rw_now_ms() + STORE_LEAVE_MS);
  pthread_mutex_lock(&s->lock);
  if (s->joinable) (void)pthread_detach(s->thread);
  s->joinable = false;
  s->closing = true;
  rw_wake_ring(s->bell.in);
  pthread_mutex_unlock(&s->lock);
}


/* NULL, or why it cannot. */
static const char *start_store (rw_store *s) {
  bool started;
  s->farewell = (rw_farewell){.stop = store_farewell, .data = s};
  rw_farewell_enter(&s->farewell);
  pthread_mutex_lock(&s->lock);          /* the process may end meanwhile */
  started = rw_thread_start(&s->thread, "runway-store", store_main, s);
  s->joinable = started;
  pthread_mutex_unlock(&s->lock);
  if (started) return NULL;
  rw_farewell_leave(&s->farewell);
  return "the thread of a database cannot be started";
}


rw_store *rw_store_open (const rw_store_driver *driver, const char *where, int notify,
                         const char **why) {
  rw_store *s = calloc(1, sizeof *s);
  *why = "no memory for a database";
  if (!s) return NULL;
  if (driver->prepare) driver->prepare();
  s->driver = driver;
  s->owner = getpid();
  s->notify = s->bell.out = s->bell.in = -1;
  atomic_init(&s->patience.end, INT64_MAX);
  pthread_mutex_init(&s->lock, NULL);
  rw_condition_init(&s->ended);
  s->where = strdup(where);
  if (s->where) {
    if (!rw_wake_open(&s->bell) ||
        (notify >= 0 && ((s->notify = dup(notify)) < 0 || !rw_descriptor_prepare(s->notify))))
      *why = "no file descriptors left for a database";
    else *why = start_store(s);
  }
  if (!*why) return s;
  free_store(s);
  return NULL;
}


bool rw_store_usable (const rw_store *s) {
  return s->owner == getpid();
}


void rw_store_start (rw_store *s, rw_transaction *t) {
  pthread_mutex_lock(&s->lock);
  add_last(&s->inbox, t);
  rw_wake_ring(s->bell.in);
  pthread_mutex_unlock(&s->lock);
}


rw_transaction *rw_store_done (rw_store *s) {
  rw_transaction *t;
  pthread_mutex_lock(&s->lock);
  t = s->done.first;
  pthread_mutex_unlock(&s->lock);
  return t;
}


void rw_store_took (rw_store *s) {
  rw_transaction *t;
  pthread_mutex_lock(&s->lock);
  t = take_first(&s->done);
  pthread_mutex_unlock(&s->lock);
  rw_transaction_free(t);
}


void rw_store_close (rw_store *s) {
  struct timespec limit;
  pthread_t thread;
  bool over, joinable;
  int err = 0;
  if (!rw_store_usable(s)) return;       /* a fork's copy: not ours to touch */
  rw_deadline_in(&limit, STORE_CLOSE_MS);
  pthread_mutex_lock(&s->lock);
  s->closing = true;
  rw_wake_ring(s->bell.in);
  while (!s->over && err == 0) err = pthread_cond_timedwait(&s->ended, &s->lock, &limit);
  over = s->over;
  s->orphan = !over;
  thread = s->thread;
  joinable = s->joinable;
  s->joinable = false;
  if (joinable && !over) (void)pthread_detach(thread);
  pthread_mutex_unlock(&s->lock);        /* an orphan is its thread's from here on */
  if (!over) return;
  if (joinable) (void)pthread_join(thread, NULL);
  free_store(s);
}

/* }================================================================= */
