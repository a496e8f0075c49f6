/*
** store.h: SQL on a thread of its own. Transactions in, rows out.
**
** Knows no Lua (lua_store.c does) and no database (a driver does). All calls
** of the first half come from one thread, the Lua state's; a driver's functions
** are called by the store's thread alone.
**
** What stands in line is committed together: all writes, each within a
** savepoint, in one transaction of the database, so that a hundred wait for one
** sync. They are answered when that is over. One that fails by itself is rolled
** back by itself.
*/
#ifndef RW_STORE_H
#define RW_STORE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "cells.h"

#pragma GCC visibility push(hidden)

/* What went wrong, as a program asks for it; rw_store_word names it. */
typedef enum rw_store_code {
  RW_STORE_FINE,
  RW_STORE_BUSY,               /* another holds what it needs */
  RW_STORE_FULL,               /* no room on the disk */
  RW_STORE_READONLY,
  RW_STORE_CORRUPT,
  RW_STORE_NO_DATABASE,        /* what is there is something else */
  RW_STORE_LOST,               /* the connection is gone */
  RW_STORE_CONSTRAINT,
  RW_STORE_SQL,                /* a statement that cannot be run */
  RW_STORE_MEMORY,
  RW_STORE_IO,
  RW_STORE_NO_LOCKS,           /* the file system has none */
  RW_STORE_WHERE               /* the place that was named cannot be used */
} rw_store_code;

#define RW_STORE_MESSAGE 512

typedef struct rw_trouble {
  rw_store_code code;
  bool maybe;                  /* what was to be committed may be there */
  char message[RW_STORE_MESSAGE];
} rw_trouble;

typedef enum rw_store_act {
  RW_STORE_WRITE, RW_STORE_READ, RW_STORE_HEAR, RW_STORE_SHUT
} rw_store_act;

/*
** `in` holds for each statement its SQL (a text), the number of its parameters
** and the parameters. `out` holds for each the number of rows it changed, of
** its columns and of its rows, then the names of the columns and the rows, cell
** by cell. It is empty when there was trouble.
*/
typedef struct rw_transaction {
  struct rw_transaction *next;
  int64_t id;
  rw_store_act act;
  rw_cells in, out;
  rw_trouble trouble;
} rw_transaction;

typedef struct rw_store rw_store;
typedef struct rw_store_driver rw_store_driver;

/*
** Starts the thread; NULL with *why (a literal) set. The database is opened by
** the first transaction, which an empty one can be. `notify` gets a byte when
** there is something to take; it is duplicated. -1: none.
*/
rw_store *rw_store_open (const rw_store_driver *driver, const char *where, int notify,
                         const char **why);

/* False in a child of fork: there nothing but rw_store_close may be called,
** and that does nothing. */
bool rw_store_usable (const rw_store *s);

/* Hands a transaction over; it comes out of rw_store_done, whatever happens.
** RW_STORE_SHUT closes the database after all that was handed in before, and
** answers who hears. */
void rw_store_start (rw_store *s, rw_transaction *t);

/* The next finished one, which stays the store's until rw_store_took frees it;
** NULL when there is none. */
rw_transaction *rw_store_done (rw_store *s);
void rw_store_took (rw_store *s);

/* What was handed in is done first. Waits a second at most; a thread that is
** held up by then ends by itself, using nothing of the caller's. */
void rw_store_close (rw_store *s);

rw_transaction *rw_transaction_new (void);         /* NULL without memory */
void rw_transaction_free (rw_transaction *t);      /* NULL is ignored */

const char *rw_store_word (rw_store_code code);


/*
** {=================================================================
** For drivers
** ==================================================================
*/

/* How long they may wait for others: not beyond the end of the process. */
typedef struct rw_patience {
  _Atomic int64_t end;         /* by rw_now_ms */
} rw_patience;

#define RW_STORE_LOCK_MS 5000  /* for a lock */

/* Is it over for what began at `since`, and may take `ms`? */
bool rw_patience_over (const rw_patience *p, int64_t since, int64_t ms);

/*
** Each returns false (or NULL) with the trouble told. After RW_STORE_LOST the
** database is closed, and opened anew for what comes next. A message says what
** happened, and not to which database.
*/
struct rw_store_driver {
  const char *name;            /* of its module */
  void (*prepare)(void);       /* on the caller's thread, before each open; or NULL */
  void *(*open)(const char *where, const rw_patience *patience, rw_trouble *trouble);
  void (*close)(void *db);
  bool (*begin)(void *db, bool writes, rw_trouble *trouble);
  /* runs SQL without parameters and rows */
  bool (*command)(void *db, const char *sql, rw_trouble *trouble);
  /* runs the statement at in[*at] and moves *at behind it; appends what came */
  bool (*run)(void *db, const rw_cells *in, size_t *at, rw_cells *out, rw_trouble *trouble);
  /* has what is told from now on heard; NULL: none is told of anything */
  bool (*listen)(void *db, rw_trouble *trouble);
  /* waits, between transactions, until `bell` is readable or something was told;
  ** false: the connection is gone */
  bool (*await)(void *db, int bell, bool *told);
};

/* Tells trouble, in the words of printf; always false. */
bool rw_store_trouble (rw_trouble *t, rw_store_code code, const char *format, ...)
  __attribute__((format(printf, 3, 4)));

extern const rw_store_driver rw_store_sqlite, rw_store_postgresql;

/* }================================================================= */

#pragma GCC visibility pop

#endif
