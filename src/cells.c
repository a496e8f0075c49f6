/*
** cells.c: a list of values as SQL knows them.
*/
#include "system.h"
#include "cells.h"


static bool add_cell (rw_cells *c, rw_cell cell) {
  return rw_buffer_append(&c->list, &cell, sizeof cell);
}


bool rw_cells_null (rw_cells *c) {
  return add_cell(c, (rw_cell){.type = RW_CELL_NULL});
}


bool rw_cells_integer (rw_cells *c, int64_t n) {
  return add_cell(c, (rw_cell){.type = RW_CELL_INTEGER, .as.integer = n});
}


bool rw_cells_float (rw_cells *c, double n) {
  return add_cell(c, (rw_cell){.type = RW_CELL_FLOAT, .as.number = n});
}


bool rw_cells_text (rw_cells *c, const char *text, size_t length) {
  rw_cell cell = {.type = RW_CELL_TEXT, .length = length, .as.at = c->texts.len};
  if (!rw_buffer_reserve(&c->list, sizeof cell) ||
      !rw_buffer_reserve(&c->texts, length + 1)) return false;
  return rw_buffer_append(&c->texts, text, length) && rw_buffer_append(&c->texts, "", 1) &&
         add_cell(c, cell);
}


size_t rw_cells_count (const rw_cells *c) {
  return c->list.len / sizeof(rw_cell);
}


rw_cell *rw_cells_at (const rw_cells *c, size_t i) {
  return (rw_cell *)(void *)c->list.data + i;
}


const char *rw_cell_text (const rw_cells *c, const rw_cell *cell) {
  return c->texts.data + cell->as.at;
}


void rw_cells_cut (rw_cells *c, size_t count) {
  c->list.len = count * sizeof(rw_cell);           /* the texts stay until the end */
}


void rw_cells_free (rw_cells *c) {
  rw_buffer_free(&c->list);
  rw_buffer_free(&c->texts);
}
