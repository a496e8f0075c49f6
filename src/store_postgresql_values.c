/*
** store_postgresql_values.c: a store's values as PostgreSQL knows them.
*/
#include "system.h"

#ifdef RUNWAY_POSTGRESQL   /* a host that compiles all of src/ may do without libpq */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_postgresql_values.h"

/* The types of PostgreSQL that are told apart; the numbers are fixed. */
enum {
  PQ_BOOL = 16, PQ_INT8 = 20, PQ_INT2 = 21, PQ_INT4 = 23, PQ_TEXT = 25, PQ_OID = 26,
  PQ_FLOAT4 = 700, PQ_FLOAT8 = 701, PQ_NUMERIC = 1700
};

/* No text of PostgreSQL's holds NUL: it is kept as this and '0', and this as
** itself and '1'. */
#define PQ_ESCAPE '\1'


static bool add_escaped (rw_buffer *b, const char *text, size_t length) {
  for (size_t i = 0; i < length; ) {
    size_t plain = 0;
    while (i + plain < length && text[i + plain] != PQ_ESCAPE && text[i + plain] != '\0') plain++;
    if (!rw_buffer_append(b, text + i, plain)) return false;
    i += plain;
    if (i == length) break;
    if (!rw_buffer_append(b, (const char[]){PQ_ESCAPE, text[i] ? '1' : '0'}, 2)) return false;
    i++;
  }
  return rw_buffer_append(b, "", 1);
}


/* Takes the marks out of what add_escaped made; returns the new length. */
static size_t unescape (char *text, size_t length) {
  size_t to = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == PQ_ESCAPE && i + 1 < length && (text[i + 1] == '0' || text[i + 1] == '1'))
      text[to++] = text[++i] == '0' ? '\0' : PQ_ESCAPE;
    else text[to++] = text[i];
  }
  return to;
}


void rw_pq_free (rw_pq_parameters *p) {
  rw_buffer_free(&p->bytes);
  rw_buffer_free(&p->types);
  rw_buffer_free(&p->values);
}


/* Writes one value as text into the bytes. */
static bool write_parameter (rw_pq_parameters *p, const rw_cells *in, const rw_cell *c) {
  char number[40];
  Oid type = 0;                /* of NULL: whatever fits there */
  bool room = true;
  switch (c->type) {
    case RW_CELL_NULL: break;
    case RW_CELL_INTEGER:
      type = PQ_INT8;
      (void)snprintf(number, sizeof number, "%lld", (long long)c->as.integer);
      room = rw_buffer_append(&p->bytes, number, strlen(number) + 1);
      break;
    case RW_CELL_FLOAT:
      type = PQ_FLOAT8;
      (void)snprintf(number, sizeof number, "%.17g", c->as.number);
      room = rw_buffer_append(&p->bytes, number, strlen(number) + 1);
      break;
    case RW_CELL_TEXT:
      type = PQ_TEXT;
      room = add_escaped(&p->bytes, rw_cell_text(in, c), c->length);
  }
  return room && rw_buffer_append(&p->types, &type, sizeof type);
}


bool rw_pq_write (rw_pq_parameters *p, const rw_cells *in, size_t at, size_t count) {
  const char *next;
  for (size_t i = 0; i < count; i++)
    if (!write_parameter(p, in, rw_cells_at(in, at + i))) return false;
  next = p->bytes.data;        /* which moves no more */
  for (size_t i = 0; i < count; i++) {
    const char *value = rw_cells_at(in, at + i)->type == RW_CELL_NULL ? NULL : next;
    if (!rw_buffer_append(&p->values, &value, sizeof value)) return false;
    if (value) next += strlen(value) + 1;
  }
  return true;
}


/* A whole number if it is one, however SQL came by it: sum() of BIGINT is NUMERIC. */
static bool add_number (rw_cells *out, const char *text, bool is_float) {
  char *end;
  long long n;
  errno = 0;
  n = strtoll(text, &end, 10);
  if (!is_float && *end == '\0' && errno == 0) return rw_cells_integer(out, n);
  return rw_cells_float(out, strtod(text, NULL));
}


static bool add_value (rw_cells *out, PGresult *r, int row, int column) {
  char *text = PQgetvalue(r, row, column);
  if (PQgetisnull(r, row, column)) return rw_cells_null(out);
  switch (PQftype(r, column)) {
    case PQ_BOOL: return rw_cells_integer(out, *text == 't');
    case PQ_INT2: case PQ_INT4: case PQ_INT8: case PQ_OID: case PQ_NUMERIC:
      return add_number(out, text, false);
    case PQ_FLOAT4: case PQ_FLOAT8: return add_number(out, text, true);
    default: return rw_cells_text(out, text, unescape(text, (size_t)PQgetlength(r, row, column)));
  }
}


/* How many rows it changed; those that were only read do not count. */
static int64_t changed_rows (PGresult *r) {
  return strncmp(PQcmdStatus(r), "SELECT", 6) == 0 ? 0 : strtoll(PQcmdTuples(r), NULL, 10);
}


bool rw_pq_read (rw_cells *out, PGresult *r) {
  int rows = PQntuples(r), columns = PQnfields(r);
  bool room = rw_cells_integer(out, changed_rows(r)) && rw_cells_integer(out, columns) &&
              rw_cells_integer(out, rows);
  for (int i = 0; room && i < columns; i++)
    room = rw_cells_text(out, PQfname(r, i), strlen(PQfname(r, i)));
  for (int row = 0; room && row < rows; row++)
    for (int i = 0; room && i < columns; i++) room = add_value(out, r, row, i);
  return room;
}

#endif
