// Large products. A block of the right factor lies in panels in the second cache; strips of the left one come one after another, each by all panels.
#include "products-blocks.h"

#include <stddef.h>

#include "products-panels.h"
#include "products-strips.h"
#include "squares.h"

/** Terms of a piece of the sum at most. */
#define PIECE 256
/** Numbers of the right factor in a block, and vectors of its columns, at most. */
#define BLOCK_NUMBERS (160 * 1024)
#define BLOCK_VECTORS 96
/** Rows whose results come again for each piece of the sum before those behind them do. */
#define ROWS_TOGETHER 2048

/** Behind what they hold, room for what squares write with it. */
static _Thread_local float block[BLOCK_NUMBERS + WIDTH * PANEL_VECTORS * WIDTH] __attribute__((aligned(64)));
static _Thread_local float strip[(PIECE + WIDTH) * STRIP + WIDTH] __attribute__((aligned(64)));

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t parts(int64_t size, int64_t largest) { return (size + largest - 1) / largest; }

/** Numbers of a row lie together: squares of them become terms. The last row stands for those that are not there. */
static void turn_rows(const float *left, int64_t row, int64_t rows, int64_t terms) {
  for (int64_t at = 0; at < rows; at += WIDTH) {
    const float *from[WIDTH];
    for (int i = 0; i < WIDTH; i++) from[i] = left + least(at + i, rows - 1) * row;
    for (int64_t p = 0; p < terms; p += WIDTH) {
      vector square[WIDTH];
      UNROLLED for (int i = 0; i < WIDTH; i++) square[i] = load(from[i] + p);
      turn_square(square);
      UNROLLED for (int i = 0; i < WIDTH; i++) store(strip + (p + i) * STRIP + at, square[i]);
    }
  }
}

static void copy_strip(const float *left, int64_t row, int64_t column, int64_t rows, int64_t terms) {
  if (column == 1) {
    turn_rows(left, row, rows, terms);
  } else if (row == 1) {
    for (int64_t p = 0; p < terms; p++)
      for (int64_t at = 0; at < rows; at += WIDTH) store(strip + p * STRIP + at, load(left + p * column + at));
  } else {
    for (int64_t p = 0; p < terms; p++)
      for (int64_t i = 0; i < rows; i++) strip[p * STRIP + i] = left[i * row + p * column];
  }
}

/** Some vectors of columns from `column` on in panels, the first vector of each and behind the last the end, and some terms of the sum. */
typedef struct {
  int64_t column, columns, panels, widest;
  int64_t vectors[BLOCK_VECTORS / PANEL_VECTORS + 1];
  int64_t term, terms;
} Block;

static int width_of(const Block *at, int64_t panel) { return (int)(at->vectors[panel + 1] - at->vectors[panel]); }

static void set_columns(Block *at, int64_t first, int64_t vectors, int64_t n) {
  at->column = first * WIDTH;
  at->columns = least(vectors * WIDTH, n - at->column);
  at->panels = parts(vectors, PANEL_VECTORS);
  at->widest = parts(vectors, at->panels);
  for (int64_t i = 0; i <= at->panels; i++) at->vectors[i] = i * vectors / at->panels;
}

/** Rows of the right factor are read from one end to the other, as they lie; what lies otherwise is copied a panel at a time. */
static void copy_block(const Matrices *matrices, const Block *at) {
  const float *right = matrices->right + at->term * matrices->right_row + at->column * matrices->right_column;
  if (matrices->right_column == 1) {
    for (int64_t p = 0; p < at->terms; p++, right += matrices->right_row)
      for (int64_t i = 0; i < at->panels; i++) {
        const int64_t first = at->vectors[i], width = width_of(at, i);
        float *to = block + (first * at->terms + p * width) * WIDTH;
        for (int64_t v = 0; v < width; v++) store(to + v * WIDTH, load(right + (first + v) * WIDTH));
      }
    return;
  }
  for (int64_t i = 0; i < at->panels; i++) {
    const int64_t first = at->vectors[i], width = width_of(at, i), columns = least(at->columns - first * WIDTH, width * WIDTH);
    copy_panel(block + first * at->terms * WIDTH, (int)width, right + first * WIDTH * matrices->right_column, matrices->right_row, matrices->right_column, at->terms, columns);
  }
}

/** Where a block's piece of the sum goes: all but the first are added to what is there. */
static Into into_of(const Matrices *matrices, const Block *at) {
  Into into = matrices->into;
  if (at->term > 0) into.added = into.out, into.added_row = into.out_row, into.beta = 1;
  into.relu = into.relu && at->term + at->terms == matrices->k;
  return into;
}

/** Rows `row` to `end` by a block. */
static void run_block(const Matrices *matrices, int in_place, const Block *at, const int32_t *places, int64_t row, int64_t end) {
  const Into into = into_of(matrices, at);
  const int by_rows = in_place && matrices->left_column == 1;
  const StripKernel(*kernels)[STRIP_ROWS + 1] = by_rows ? strips_by_rows : strips_by_columns;
  Strip now = {
      .tile = {.terms = at->terms},
      .left_step = by_rows ? matrices->left_row : in_place ? matrices->left_column : STRIP, .places = places,
  };
  for (int64_t strips = parts(end - row, least(STRIP_ROWS, most_rows[at->widest])); strips > 0; strips--) {
    const int64_t rows = (uint32_t)(end - row) / (uint32_t)strips;
    const float *left = matrices->left + row * matrices->left_row + at->term * matrices->left_column;
    if (!in_place) copy_strip(left, matrices->left_row, matrices->left_column, rows, at->terms);
    now.tile.left = in_place ? left : strip;
    for (int64_t i = 0; i < at->panels; i++) {
      const int64_t first = at->vectors[i], column = at->column + first * WIDTH;
      const int width = width_of(at, i);
      now.tile.right = block + first * at->terms * WIDTH;
      now.tile.into = into_from(into, row, column);
      now.tile.last = (int)least(at->columns - (at->vectors[i + 1] - 1) * WIDTH, WIDTH);
      kernels[width][rows](&now);
    }
    row += rows;
  }
}

void run_blocks(const Matrices *matrices, int in_place) {
  const int64_t piece = parts(matrices->k, parts(matrices->k, PIECE)), vectors = parts(matrices->n, WIDTH);
  const int64_t wide = parts(vectors, parts(vectors, least(BLOCK_VECTORS, BLOCK_NUMBERS / (piece * WIDTH))));
  const int64_t together = parts(matrices->m, parts(matrices->m, ROWS_TOGETHER));
  int32_t places[PIECE];
  for (int64_t p = 0; p < piece; p++) {
    const uint32_t place = (uint32_t)(p * STRIP_ROWS * PANEL_VECTORS) / (uint32_t)piece;
    places[p] = (int32_t)(place / PANEL_VECTORS * matrices->into.out_row + place % PANEL_VECTORS * WIDTH);
  }
  for (int64_t row = 0; row < matrices->m; row += together) {
    const int64_t end = least(matrices->m, row + together);
    for (int64_t first = 0; first < vectors; first += wide) {
      Block at;
      set_columns(&at, first, least(wide, vectors - first), matrices->n);
      for (at.term = 0; at.term < matrices->k; at.term += piece) {
        at.terms = least(piece, matrices->k - at.term);
        copy_block(matrices, &at);
        run_block(matrices, in_place, &at, places, row, end);
      }
    }
  }
}
