/*
** store_postgresql_values.h: a store's values as PostgreSQL knows them, which is as
** text, and what it answers. To be used in the C locale: numbers have a point.
*/
#ifndef RW_STORE_POSTGRESQL_VALUES_H
#define RW_STORE_POSTGRESQL_VALUES_H

#include <libpq-fe.h>

#include "cells.h"

#pragma GCC visibility push(hidden)

/* Parameters as libpq takes them: an Oid and a pointer into the bytes for each.
** {0} has none. */
typedef struct rw_pq_parameters {
  rw_buffer bytes, types, values;
} rw_pq_parameters;

/* Adds the `count` parameters at in[at]; false without memory. */
bool rw_pq_write (rw_pq_parameters *p, const rw_cells *in, size_t at, size_t count);
void rw_pq_free (rw_pq_parameters *p);

/* Appends what a statement gave, as rw_transaction says; false without memory. */
bool rw_pq_read (rw_cells *out, PGresult *r);

#pragma GCC visibility pop

#endif
