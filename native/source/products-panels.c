// Panels of a right factor: rows copied, columns turned a square at a time, and what lies otherwise number by number.
#include "products-panels.h"

#include "squares.h"

static void copy_rows(float *panel, int vectors, const float *right, int64_t row, int64_t terms) {
  for (int64_t p = 0; p < terms; p++) {
    for (int v = 0; v < vectors; v++) store(panel + v * WIDTH, load(right + v * WIDTH));
    panel += vectors * WIDTH;
    right += row;
  }
}

/** Numbers of a column lie together: WIDTH of them, of WIDTH columns, become WIDTH rows. */
static void turn_columns(float *panel, int64_t width, const float *right, int64_t column, int64_t terms, int64_t columns) {
  for (int64_t at = 0; at < columns; at += WIDTH) {
    const int across = columns - at < WIDTH ? (int)(columns - at) : WIDTH;
    for (int64_t p = 0; p < terms; p += WIDTH) {
      const int down = terms - p < WIDTH ? (int)(terms - p) : WIDTH;
      const float *from = right + at * column + p;
      float *to = panel + p * width + at;
      vector square[WIDTH] = {{0}};
      if (across == WIDTH) {
        for (int i = 0; i < WIDTH; i++) square[i] = load(from + i * column);
      } else {
        for (int i = 0; i < across; i++) square[i] = load(from + i * column);
      }
      turn_square(square);
      if (down == WIDTH) {
        for (int i = 0; i < WIDTH; i++) store(to + i * width, square[i]);
      } else {
        for (int i = 0; i < down; i++) store(to + i * width, square[i]);
      }
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
