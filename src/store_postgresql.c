/*
** store_postgresql.c: the driver for PostgreSQL, over libpq.
**
** Nothing here waits without an end: the socket is polled, so that neither a
** server that is silent nor a network that swallows everything holds the thread
** for longer than a few seconds. What the server itself is to give up, a lock
** above all, it is told with each transaction; so it holds behind a pooler, too.
** (Nothing is heard through one that gives each transaction another connection.)
*/
#include "system.h"

#ifdef RUNWAY_POSTGRESQL   /* a host that compiles all of src/ may do without libpq */

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __APPLE__
#include <xlocale.h>
#endif

#include <libpq-fe.h>

#include "clock.h"
#include "store.h"
#include "store_postgresql_values.h"

#define PQ_CONNECT_MS 5000
#define PQ_ANSWER_MS 15000     /* longer than the server may take: see PQ_LIMITS */
#define PQ_SLICE_MS 100        /* how late the end of the process is seen */

#define PQ_LIMITS \
  "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '10s'; " \
  "SET LOCAL idle_in_transaction_session_timeout = '10s'"

typedef struct pq_db {
  PGconn *conn;
  const rw_patience *patience;
  bool reading;
  locale_t plain, before;      /* numbers are written with a point */
} pq_db;


/*
** {=================================================================
** Trouble
** ==================================================================
*/

/* By SQLSTATE, or the beginning of one; the first that fits counts. */
static rw_store_code code_of_state (const pq_db *db, const char *state) {
  static const struct { const char *state; rw_store_code code; } known[] = {
    {"08P01", RW_STORE_SQL}, {"08", RW_STORE_LOST}, {"57P", RW_STORE_LOST},
    {"25P03", RW_STORE_LOST}, {"53300", RW_STORE_LOST},
    {"55P03", RW_STORE_BUSY}, {"57014", RW_STORE_BUSY}, {"40", RW_STORE_BUSY},
    {"55006", RW_STORE_BUSY},
    {"53100", RW_STORE_FULL}, {"53200", RW_STORE_MEMORY}, {"53", RW_STORE_IO},
    {"23", RW_STORE_CONSTRAINT},
    {"XX001", RW_STORE_CORRUPT}, {"XX002", RW_STORE_CORRUPT}, {"XX", RW_STORE_IO},
    {"58", RW_STORE_IO}, {"28", RW_STORE_WHERE}, {"3D", RW_STORE_WHERE},
    {"42501", RW_STORE_READONLY},
  };
  if (strcmp(state, "25006") == 0) return db->reading ? RW_STORE_SQL : RW_STORE_READONLY;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strncmp(state, known[i].state, strlen(known[i].state)) == 0) return known[i].code;
  return RW_STORE_SQL;
}


/* The connection is of no more use; always false. */
static bool pq_lost (const pq_db *db, rw_trouble *t, const char *why) {
  const char *message = why ? why : PQerrorMessage(db->conn);
  int length = (int)strcspn(message, "\n");
  return rw_store_trouble(t, RW_STORE_LOST, "%.*s", length ? length : 22,
                          length ? message : "the connection is gone");
}


/* What a result says that is an error; always false. */
static bool pq_trouble (const pq_db *db, const PGresult *r, rw_trouble *t) {
  const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
  const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
  if (!state || PQstatus(db->conn) == CONNECTION_BAD) return pq_lost(db, t, message);
  return rw_store_trouble(t, code_of_state(db, state), "%s", message ? message : state);
}


/* Why there is no connection. The server's own word, where it said one, is the
** SQLSTATE in a verbose message: "FATAL:  28P01: password authentication …". */
static bool refuse_connection (const pq_db *db, rw_trouble *t) {
  const char *message = PQerrorMessage(db->conn);
  char its[6] = "";
  for (const char *at = strstr(message, ":  "); at; at = strstr(at + 1, ":  ")) {
    const char *state = at + 3;
    if (strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 || state[5] != ':') continue;
    memcpy(its, state, 5);
    return rw_store_trouble(t, code_of_state(db, its), "%.*s", (int)strcspn(state + 7, "\n"),
                            state + 7);
  }
  return pq_lost(db, t, NULL);
}

/* }================================================================= */


/*
** {=================================================================
** Waiting
** ==================================================================
*/

/* False when it took too long, or the process ends. */
static bool pq_wait (const pq_db *db, short events, int64_t since, int64_t ms) {
  struct pollfd fd = {.fd = PQsocket(db->conn), .events = events};
  while (fd.fd >= 0 && !rw_patience_over(db->patience, since, ms))
    if (poll(&fd, 1, PQ_SLICE_MS) > 0) return true;
  return false;
}


/* The next result of what was sent, or NULL when all came; *lost when they do not come. */
static PGresult *next_result (const pq_db *db, int64_t since, bool *lost) {
  int unsent;
  while ((unsent = PQflush(db->conn)) > 0 || PQisBusy(db->conn)) {
    *lost = unsent < 0 || !pq_wait(db, unsent ? POLLIN | POLLOUT : POLLIN, since, PQ_ANSWER_MS) ||
            !PQconsumeInput(db->conn);
    if (*lost) return NULL;
  }
  return PQgetResult(db->conn);
}


/* Takes all results of what was sent: the last, or NULL with the trouble of the
** first that is one. */
static PGresult *all_results (const pq_db *db, rw_trouble *t) {
  int64_t since = rw_now_ms();
  PGresult *last = NULL, *r;
  bool lost = false;
  t->code = RW_STORE_FINE;
  while ((r = next_result(db, since, &lost)) != NULL) {
    ExecStatusType status = PQresultStatus(r);
    PQclear(last);
    last = r;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) continue;
    if (t->code != RW_STORE_FINE) continue;
    if (status == PGRES_FATAL_ERROR || status == PGRES_NONFATAL_ERROR) pq_trouble(db, r, t);
    else if (status == PGRES_EMPTY_QUERY)
      rw_store_trouble(t, RW_STORE_SQL, "the statement is empty");
    else {                     /* COPY: it would wait for us */
      pq_lost(db, t, "a statement that copies cannot be run here");
      break;
    }
  }
  if (lost)
    pq_lost(db, t, PQstatus(db->conn) == CONNECTION_BAD ? NULL : "the server does not answer");
  else if (!last && t->code == RW_STORE_FINE) pq_lost(db, t, NULL);
  if (t->code == RW_STORE_FINE) return last;
  PQclear(last);
  return NULL;
}


static bool pq_command (void *data, const char *sql, rw_trouble *t) {
  const pq_db *db = data;
  bool commits = strcmp(sql, "COMMIT") == 0;
  PGresult *r;
  bool rolled_back;
  if (commits && PQtransactionStatus(db->conn) == PQTRANS_IDLE)
    return rw_store_trouble(t, RW_STORE_SQL, "a statement ended the transaction that it stood in");
  if (!PQsendQuery(db->conn, sql)) return pq_lost(db, t, NULL);
  r = all_results(db, t);
  if (!r) return false;
  rolled_back = commits && strcmp(PQcmdStatus(r), "COMMIT") != 0;
  PQclear(r);
  return !rolled_back || rw_store_trouble(t, RW_STORE_SQL, "the transaction was rolled back");
}

/* }================================================================= */


/*
** {=================================================================
** Opening
** ==================================================================
*/

static void ignore_notice (void *data, const char *message) {
  (void)data;
  (void)message;
}


/* Goes through the steps of connecting; false: see refuse_connection. */
static bool connect_steps (const pq_db *db) {
  int64_t since = rw_now_ms();
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED) return false;
    if (!pq_wait(db, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, since, PQ_CONNECT_MS))
      return false;
    next = PQconnectPoll(db->conn);
  }
  return true;
}


static bool open_postgresql (pq_db *db, const char *uri, rw_trouble *t) {
  /* what stands before the URI may be said otherwise in it */
  static const char *const names[] = {
    "fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
    "tcp_user_timeout", "dbname", "client_encoding", NULL
  };
  const char *const values[] = {"runway", "10", "5", "3", "15000", uri, "UTF8", NULL};
  const char *encoding;
  db->conn = PQconnectStartParams(names, values, 1);
  if (!db->conn) return rw_store_trouble(t, RW_STORE_MEMORY, "not enough memory for a connection");
  PQsetNoticeProcessor(db->conn, ignore_notice, NULL);
  PQsetErrorVerbosity(db->conn, PQERRORS_VERBOSE);
  if (PQstatus(db->conn) == CONNECTION_BAD && PQsocket(db->conn) < 0 &&
      !strstr(PQerrorMessage(db->conn), "connection to "))
    return rw_store_trouble(t, RW_STORE_WHERE, "libpq cannot read this URI, or does not know "
                            "its host");         /* its own word would show a password */
  if (!connect_steps(db)) return refuse_connection(db, t);
  encoding = PQparameterStatus(db->conn, "server_encoding");
  if (!encoding || strcmp(encoding, "UTF8") != 0)
    return rw_store_trouble(t, RW_STORE_WHERE, "the database does not keep UTF-8: make it with "
                            "ENCODING 'UTF8'");
  return PQsetnonblocking(db->conn, 1) == 0 || pq_lost(db, t, NULL);
}


static void pq_close (void *data) {
  pq_db *db = data;
  PQfinish(db->conn);
  if (db->plain) {
    (void)uselocale(db->before);
    freelocale(db->plain);
  }
  free(db);
}


static void *pq_open (const char *uri, const rw_patience *patience, rw_trouble *t) {
  pq_db *db = calloc(1, sizeof *db);
  if (db) db->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!db || !db->plain) {
    free(db);
    rw_store_trouble(t, RW_STORE_MEMORY, "not enough memory for a connection");
    return NULL;
  }
  db->before = uselocale(db->plain);
  db->patience = patience;
  if (open_postgresql(db, uri, t)) return db;
  pq_close(db);
  return NULL;
}


/* OpenSSL says what it has for the end of the process when it is first used:
** now, so that farewell.c, which speaks next, is heard before it. */
static void pq_prepare (void) {
  PQfreemem(PQencryptPassword("", ""));
}

/* }================================================================= */


/*
** {=================================================================
** Running
** ==================================================================
*/

static bool pq_begin (void *data, bool writes, rw_trouble *t) {
  pq_db *db = data;
  db->reading = !writes;
  if (PQstatus(db->conn) != CONNECTION_OK || PQtransactionStatus(db->conn) != PQTRANS_IDLE)
    return pq_lost(db, t, "the connection is gone");
  return pq_command(db, writes ? "BEGIN ISOLATION LEVEL READ COMMITTED; "
                                 "SET LOCAL synchronous_commit = on; " PQ_LIMITS
                               : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; " PQ_LIMITS,
                    t);
}


static bool pq_run (void *data, const rw_cells *in, size_t *at, rw_cells *out, rw_trouble *t) {
  const pq_db *db = data;
  size_t count = (size_t)rw_cells_at(in, *at + 1)->as.integer;
  rw_pq_parameters p = {0};
  PGresult *r = NULL;
  bool done = false;
  if (!rw_pq_write(&p, in, *at + 2, count)) {
    rw_store_trouble(t, RW_STORE_MEMORY, "not enough memory");
  } else if (!PQsendQueryParams(db->conn, rw_cell_text(in, rw_cells_at(in, *at)), (int)count,
                                (const Oid *)(void *)p.types.data,
                                (const char *const *)(void *)p.values.data, NULL, NULL, 0)) {
    pq_lost(db, t, NULL);
  } else {
    r = all_results(db, t);
    done = r && (rw_pq_read(out, r) || rw_store_trouble(t, RW_STORE_MEMORY, "not enough memory"));
    PQclear(r);
  }
  rw_pq_free(&p);
  *at += 2 + count;
  return done;
}

/* }================================================================= */


/*
** {=================================================================
** Listening
** ==================================================================
*/

static bool pq_listen (void *data, rw_trouble *t) {
  return pq_command(data, "LISTEN runway", t);
}


/* Was something told? What libpq has read stays in its memory until it is taken. */
static bool pq_told (const pq_db *db) {
  bool any = false;
  PGnotify *one;
  while ((one = PQnotifies(db->conn)) != NULL) {
    PQfreemem(one);
    any = true;
  }
  return any;
}


static bool pq_await (void *data, int bell, bool *told) {
  const pq_db *db = data;
  struct pollfd fds[] = {{.fd = bell, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
  while (!pq_told(db)) {
    if (fds[0].revents) return true;
    fds[1].fd = PQsocket(db->conn);
    if (fds[1].fd < 0 || (poll(fds, 2, -1) < 0 && errno != EINTR)) return false;
    if (fds[1].revents && !PQconsumeInput(db->conn)) return false;
  }
  *told = true;
  return true;
}

/* }================================================================= */


const rw_store_driver rw_store_postgresql = {
  .name = "runway.postgresql", .prepare = pq_prepare, .open = pq_open, .close = pq_close,
  .begin = pq_begin, .command = pq_command, .run = pq_run,
  .listen = pq_listen, .await = pq_await
};

#endif
