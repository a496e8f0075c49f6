/*
** cells.h: a list of values as SQL knows them, in one piece: whole numbers,
** floats, texts and NULL. {0} is empty. What is added stays where it is in the
** list; texts lie behind one another in a buffer of their own.
*/
#ifndef RW_CELLS_H
#define RW_CELLS_H

#include <stdint.h>

#include "buffer.h"

#pragma GCC visibility push(hidden)

typedef enum rw_cell_type {
  RW_CELL_NULL, RW_CELL_INTEGER, RW_CELL_FLOAT, RW_CELL_TEXT
} rw_cell_type;

typedef struct rw_cell {
  rw_cell_type type;
  size_t length;               /* of a text, which may hold NUL and has one behind it */
  union {
    int64_t integer;
    double number;
    size_t at;                 /* where a text lies: see rw_cell_text */
  } as;
} rw_cell;

typedef struct rw_cells {
  rw_buffer list, texts;
} rw_cells;

/* False without memory; the list is then as it was. */
bool rw_cells_null (rw_cells *c);
bool rw_cells_integer (rw_cells *c, int64_t n);
bool rw_cells_float (rw_cells *c, double n);
bool rw_cells_text (rw_cells *c, const char *text, size_t length);

size_t rw_cells_count (const rw_cells *c);
rw_cell *rw_cells_at (const rw_cells *c, size_t i);          /* until one is added */
const char *rw_cell_text (const rw_cells *c, const rw_cell *cell);

void rw_cells_cut (rw_cells *c, size_t count);               /* keeps the first `count` */
void rw_cells_free (rw_cells *c);

#pragma GCC visibility pop

#endif
