/*
** store_sqlite.c: the driver for SQLite files.
**
** A new file is made for its owner alone, and so are the two that SQLite puts
** beside it. It writes ahead (WAL), where the file system is not one that
** several machines see: there WAL is silently wrong, and the older journal is
** slower and safe. Either way a commit that was answered is on the disk.
*/
#include "system.h"

#ifdef RUNWAY_SQLITE   /* a host that compiles all of src/ may do without SQLite */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/vfs.h>
#endif

#include <sqlite3.h>

#include "clock.h"
#include "store.h"
#include "wake.h"

#define OLDEST_SQLITE 3035000  /* the first with RETURNING */
#define LEAST_DATABASE 512     /* bytes of one that is not empty: its smallest page */

typedef struct sqlite_db {
  sqlite3 *handle;
  const rw_patience *patience;
  int64_t busy_since;
  bool reading;                /* what runs must change nothing */
} sqlite_db;


/*
** {=================================================================
** Trouble
** ==================================================================
*/

/* What an error of the system says; RW_STORE_FINE: nothing of its own. */
static rw_store_code code_of_errno (int err) {
  switch (err) {
    case ENOSPC: case EDQUOT: case EFBIG: return RW_STORE_FULL;
    case EACCES: case EPERM: case EROFS: return RW_STORE_READONLY;
    case ENOENT: case ENOTDIR: case EISDIR: case ENAMETOOLONG: case ELOOP: return RW_STORE_WHERE;
    case ENOMEM: return RW_STORE_MEMORY;
    default: return RW_STORE_FINE;
  }
}


/* Is that how a file system answers that has no locks? */
static bool knows_no_locks (int err) {
  return err == ENOLCK || err == ENOTSUP || err == ENOSYS || err == EINVAL;
}


static bool is_of_locks (int result) {
  return result == SQLITE_IOERR_LOCK || result == SQLITE_IOERR_RDLOCK ||
         result == SQLITE_IOERR_CHECKRESERVEDLOCK || result == SQLITE_IOERR_SHMLOCK;
}


static rw_store_code code_of_sqlite (int result, int err) {
  rw_store_code code;
  if (is_of_locks(result) && knows_no_locks(err)) return RW_STORE_NO_LOCKS;
  switch (result & 0xff) {
    case SQLITE_BUSY: case SQLITE_LOCKED: return RW_STORE_BUSY;
    case SQLITE_FULL: return RW_STORE_FULL;
    case SQLITE_READONLY: case SQLITE_PERM: return RW_STORE_READONLY;
    case SQLITE_CORRUPT: return RW_STORE_CORRUPT;
    case SQLITE_NOTADB: return RW_STORE_NO_DATABASE;
    case SQLITE_CONSTRAINT: return RW_STORE_CONSTRAINT;
    case SQLITE_NOMEM: return RW_STORE_MEMORY;
    case SQLITE_IOERR: case SQLITE_CANTOPEN: case SQLITE_PROTOCOL: case SQLITE_NOLFS:
      code = code_of_errno(err);
      return code ? code : RW_STORE_IO;
    default: return RW_STORE_SQL;
  }
}


/* Tells what the last call on the database found; always false. */
static bool sqlite_trouble (const sqlite_db *db, rw_trouble *t) {
  int err = sqlite3_system_errno(db->handle);
  rw_store_code code = code_of_sqlite(sqlite3_extended_errcode(db->handle), err);
  const char *message = sqlite3_errmsg(db->handle);
  if ((code == RW_STORE_IO || code == RW_STORE_FULL || code == RW_STORE_READONLY ||
       code == RW_STORE_NO_LOCKS) && err != 0)
    return rw_store_trouble(t, code, "%s (%s)", message, strerror(err));
  return rw_store_trouble(t, code, "%s", message);
}

/* }================================================================= */


/*
** {=================================================================
** Opening
** ==================================================================
*/

/* Closing any descriptor of a file drops all of the process's locks on it: no
** other store may open what is being made here. */
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;


/* Can no lock be had on a file that was made just now? SQLite takes ENOLCK for a
** lock that another holds, and waits for it. */
static bool lacks_locks (int fd) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_SETLK, &whole) != 0 && knows_no_locks(errno);
}


/* Makes the file, if there is none, and looks at what is there. */
static bool make_file (const char *path, rw_trouble *t) {
  struct stat st;
  bool lockless = false;
  int err = 0, fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  rw_store_code code;
  if (fd >= 0) {
    if (fchmod(fd, 0600) != 0) err = errno;        /* whatever the umask is */
    lockless = lacks_locks(fd);
    if (close(fd) != 0) err = errno;
  } else if (errno != EEXIST) {
    err = errno;
    if (err == ENOENT)
      return rw_store_trouble(t, RW_STORE_WHERE, "there is no such directory%s: %s",
                              *path == '~' ? " (only a shell knows what ~ stands for)" : "",
                              strerror(err));
  }
  if (lockless) {
    (void)unlink(path);
    return rw_store_trouble(t, RW_STORE_NO_LOCKS, "no lock can be had on a file there");
  }
  if (err == 0 && stat(path, &st) != 0) err = errno;
  if (err == 0 && faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) != 0) err = errno;
  if (err != 0) {
    code = code_of_errno(err);
    return rw_store_trouble(t, code ? code : RW_STORE_IO, "%s", strerror(err));
  }
  if (!S_ISREG(st.st_mode)) return rw_store_trouble(t, RW_STORE_WHERE, "it is no plain file");
  /* SQLite takes a file of a byte for an empty one */
  return st.st_size == 0 || st.st_size >= LEAST_DATABASE ||
         rw_store_trouble(t, RW_STORE_NO_DATABASE, "file is not a database");
}


/* Does another machine see it, too? */
static bool is_remote (const char *path) {
#ifdef __linux__
  struct statfs fs;
  if (statfs(path, &fs) != 0) return false;
  switch ((unsigned long)fs.f_type & 0xffffffff) {
    case 0x6969:               /* NFS */
    case 0xff534d42:           /* CIFS */
    case 0xfe534d42:           /* SMB2 */
    case 0x517b:               /* SMB */
    case 0x01021997:           /* 9P */
    case 0x00c36400:           /* Ceph */
    case 0x5346414f:           /* AFS */
    case 0x0bd00bd0: return true;        /* Lustre */
    default: return false;
  }
#else
  (void)path;
  return false;
#endif
}


/* Waits a little for who holds a lock; 0: long enough. */
static int sqlite_waits (void *data, int times) {
  sqlite_db *db = data;
  if (times == 0) db->busy_since = rw_now_ms();
  if (rw_patience_over(db->patience, db->busy_since, RW_STORE_LOCK_MS)) return 0;
  rw_pause(times < 5 ? 0.001 : times < 15 ? 0.005 : 0.025);
  return 1;
}


static bool sqlite_command (void *data, const char *sql, rw_trouble *t) {
  const sqlite_db *db = data;
  int result = sqlite3_exec(db->handle, sql, NULL, NULL, NULL) & 0xff;
  if (result == SQLITE_OK) return true;
  sqlite_trouble(db, t);
  /* what was written already counts after a crash, whatever went wrong behind it */
  if (strcmp(sql, "COMMIT") == 0 && (result == SQLITE_IOERR || result == SQLITE_NOMEM))
    t->code = RW_STORE_IO;
  return false;
}


/* Only a database without a table yet is told to write ahead: one that is some
** other program's is left as it is. */
static bool prepare_database (sqlite_db *db, const char *path, rw_trouble *t) {
  sqlite3_stmt *s;
  bool is_new;
  if (sqlite3_prepare_v2(db->handle, "SELECT count(*) FROM sqlite_master", -1, &s, NULL) !=
      SQLITE_OK || sqlite3_step(s) != SQLITE_ROW) {
    sqlite_trouble(db, t);
    sqlite3_finalize(s);
    return false;
  }
  is_new = sqlite3_column_int(s, 0) == 0;
  sqlite3_finalize(s);
  if (sqlite3_db_readonly(db->handle, "main") == 1)
    return rw_store_trouble(t, RW_STORE_READONLY, "it may be read and not written");
  /* where WAL cannot be had, this leaves the older journal and is no error */
  return (!is_new || is_remote(path) || sqlite_command(db, "PRAGMA journal_mode = WAL", t)) &&
         sqlite_command(db, "PRAGMA synchronous = EXTRA", t);
}


/*
** SQLite does not wait where two could wait for each other: of programs that make
** one database at once, all but one are told that it is busy, and may look again.
*/
static bool prepare_busy_database (sqlite_db *db, const char *path, rw_trouble *t) {
  int64_t since = rw_now_ms();
  while (!prepare_database(db, path, t)) {
    if (t->code != RW_STORE_BUSY || rw_patience_over(db->patience, since, RW_STORE_LOCK_MS))
      return false;
    rw_pause(0.005);
  }
  return true;
}


static bool open_sqlite (sqlite_db *db, const char *path, rw_trouble *t) {
  int result;
  if (sqlite3_libversion_number() < OLDEST_SQLITE)
    return rw_store_trouble(t, RW_STORE_WHERE, "SQLite %s is too old: 3.35 or newer is needed",
                            sqlite3_libversion());
  if (!make_file(path, t)) return false;
  result = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  if (!db->handle) return rw_store_trouble(t, RW_STORE_MEMORY, "not enough memory");
  if (result != SQLITE_OK) return sqlite_trouble(db, t);
  sqlite3_extended_result_codes(db->handle, 1);
  sqlite3_busy_handler(db->handle, sqlite_waits, db);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);   /* "name" is no text */
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
  return prepare_busy_database(db, path, t);
}


static void sqlite_close (void *data) {
  sqlite_db *db = data;
  sqlite3_close(db->handle);
  free(db);
}


static void *sqlite_open (const char *path, const rw_patience *patience, rw_trouble *t) {
  sqlite_db *db = calloc(1, sizeof *db);
  bool opened;
  if (!db) {
    rw_store_trouble(t, RW_STORE_MEMORY, "not enough memory for a database");
    return NULL;
  }
  db->patience = patience;
  pthread_mutex_lock(&making);
  opened = open_sqlite(db, path, t);
  pthread_mutex_unlock(&making);
  if (opened) return db;
  sqlite_close(db);
  return NULL;
}

/* }================================================================= */


/*
** {=================================================================
** Running
** ==================================================================
*/

static bool sqlite_begin (void *data, bool writes, rw_trouble *t) {
  sqlite_db *db = data;
  int moved = 0;
  /* a ROLLBACK that failed left it open */
  if (!sqlite3_get_autocommit(db->handle) && !sqlite_command(db, "ROLLBACK", t)) return false;
  (void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (writes && moved)
    return rw_store_trouble(t, RW_STORE_CORRUPT, "the file was moved or deleted while in use");
  db->reading = !writes;
  return sqlite_command(db, writes ? "BEGIN IMMEDIATE" : "BEGIN", t);
}


/* Binds the `count` parameters that lie behind in[at]: $1 is the first. */
static bool bind_parameters (const sqlite_db *db, sqlite3_stmt *s, const rw_cells *in, size_t at,
                             int64_t count, rw_trouble *t) {
  for (int i = 1; i <= sqlite3_bind_parameter_count(s); i++) {
    const char *name = sqlite3_bind_parameter_name(s, i);
    long n = name && *name == '$' ? strtol(name + 1, NULL, 10) : 0;
    const rw_cell *c;
    int result = SQLITE_OK;
    if (n < 1 || n > count)
      return rw_store_trouble(t, RW_STORE_SQL, "there is no parameter %s (n = COUNT in a statement counts those "
                              "that are nil at its end)", name ? name : "?");
    c = rw_cells_at(in, at + (size_t)n - 1);
    switch (c->type) {
      case RW_CELL_NULL: break;
      case RW_CELL_INTEGER: result = sqlite3_bind_int64(s, i, c->as.integer); break;
      case RW_CELL_FLOAT: result = sqlite3_bind_double(s, i, c->as.number); break;
      case RW_CELL_TEXT:
        result = sqlite3_bind_text64(s, i, rw_cell_text(in, c), c->length, SQLITE_STATIC,
                                     SQLITE_UTF8);
    }
    if (result != SQLITE_OK) return sqlite_trouble(db, t);
  }
  return true;
}


static bool add_column (rw_cells *out, sqlite3_stmt *s, int i) {
  int type = sqlite3_column_type(s, i);
  const void *bytes;
  switch (type) {
    case SQLITE_NULL: return rw_cells_null(out);
    case SQLITE_INTEGER: return rw_cells_integer(out, sqlite3_column_int64(s, i));
    case SQLITE_FLOAT: return rw_cells_float(out, sqlite3_column_double(s, i));
    default:                   /* a text, or bytes that some other program put there */
      bytes = type == SQLITE_TEXT ? sqlite3_column_text(s, i) : sqlite3_column_blob(s, i);
      return (bytes || sqlite3_column_bytes(s, i) == 0) &&
             rw_cells_text(out, bytes ? bytes : "", (size_t)sqlite3_column_bytes(s, i));
  }
}


/* Runs what was prepared and bound; appends what comes. */
static bool step_through (const sqlite_db *db, sqlite3_stmt *s, rw_cells *out, rw_trouble *t) {
  int columns = sqlite3_column_count(s), before = sqlite3_total_changes(db->handle), result;
  size_t head = rw_cells_count(out);
  int64_t rows = 0;
  bool room = rw_cells_integer(out, 0) && rw_cells_integer(out, columns) &&
              rw_cells_integer(out, 0);
  for (int i = 0; room && i < columns; i++) {
    const char *name = sqlite3_column_name(s, i);
    room = name && rw_cells_text(out, name, strlen(name));
  }
  while (room && (result = sqlite3_step(s)) == SQLITE_ROW) {
    for (int i = 0; room && i < columns; i++) room = add_column(out, s, i);
    rows++;
  }
  if (!room) return rw_store_trouble(t, RW_STORE_MEMORY, "not enough memory");
  if (result != SQLITE_DONE) return sqlite_trouble(db, t);
  if (sqlite3_total_changes(db->handle) != before)
    rw_cells_at(out, head)->as.integer = sqlite3_changes(db->handle);
  rw_cells_at(out, head + 2)->as.integer = rows;
  return true;
}


/* The statement, ready to be bound; NULL with the trouble told. */
static sqlite3_stmt *prepare_statement (const sqlite_db *db, const char *sql, rw_trouble *t) {
  const char *rest = NULL, *why = NULL;
  sqlite3_stmt *s = NULL;
  if (sqlite3_prepare_v2(db->handle, sql, -1, &s, &rest) != SQLITE_OK) {
    sqlite_trouble(db, t);
    return NULL;
  }
  if (!s || rest[strspn(rest, " \t\r\n;")]) why = "one statement at a time";
  else if (db->reading && !sqlite3_stmt_readonly(s)) why = "a read may change nothing";
  if (!why) return s;
  sqlite3_finalize(s);
  rw_store_trouble(t, RW_STORE_SQL, "%s", why);
  return NULL;
}


static bool sqlite_run (void *data, const rw_cells *in, size_t *at, rw_cells *out, rw_trouble *t) {
  const sqlite_db *db = data;
  int64_t count = rw_cells_at(in, *at + 1)->as.integer;
  sqlite3_stmt *s = prepare_statement(db, rw_cell_text(in, rw_cells_at(in, *at)), t);
  bool done = s && bind_parameters(db, s, in, *at + 2, count, t) && step_through(db, s, out, t);
  sqlite3_finalize(s);
  *at += 2 + (size_t)count;
  return done;
}

/* }================================================================= */


const rw_store_driver rw_store_sqlite = {
  .name = "runway.sqlite", .open = sqlite_open, .close = sqlite_close,
  .begin = sqlite_begin, .command = sqlite_command, .run = sqlite_run
};

#endif
