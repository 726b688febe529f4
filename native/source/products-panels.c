// Panels of a right factor: rows copied, columns turned a square at a time, and what lies otherwise number by number.
#include "products-panels.h"

#include "squares.h"

/** Rows that are on their way while one is copied: the processor does not foresee rows that are far from each other. */
#define ROWS_AHEAD 8

static void copy_rows(float *panel, int vectors, const float *right, int64_t row, int64_t terms) {
  for (int64_t p = 0; p < terms; p++) {
    for (int v = 0; v < vectors; v++) __builtin_prefetch(right + ROWS_AHEAD * row + v * WIDTH);
    for (int v = 0; v < vectors; v++) store(panel + v * WIDTH, load(right + v * WIDTH));
    panel += vectors * WIDTH;
    right += row;
  }
}

/** Numbers of a column lie together: WIDTH of them, of WIDTH columns, become WIDTH rows. The last column stands for those that are not there. */
void turn_columns(float *panel, int64_t width, const float *right, int64_t column, int64_t terms, int64_t columns) {
  for (int64_t at = 0; at < columns; at += WIDTH) {
    const float *from[WIDTH];
    for (int i = 0; i < WIDTH; i++) from[i] = right + (at + i < columns ? at + i : columns - 1) * column;
    for (int64_t p = 0; p < terms; p += WIDTH) {
      vector square[WIDTH];
      UNROLLED for (int i = 0; i < WIDTH; i++) square[i] = load(from[i] + p);
      turn_square(square);
      UNROLLED for (int i = 0; i < WIDTH; i++) store(panel + (p + i) * width + at, square[i]);
    }
  }
}

void copy_panel(float *panel, int vectors, const float *right, int64_t row, int64_t column, int64_t terms, int64_t columns) {
  const int64_t width = (int64_t)vectors * WIDTH;
  if (column == 1) {
    copy_rows(panel, vectors, right, row, terms);
  } else if (row == 1) {
    turn_columns(panel, width, right, column, terms, columns);
  } else {
    for (int64_t p = 0; p < terms; p++)
      for (int64_t at = 0; at < columns; at++) panel[p * width + at] = right[p * row + at * column];
  }
}
