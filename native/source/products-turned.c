// The right factor, which is the larger one, is read where it lies, as the left one of (rightᵀ · leftᵀ)ᵀ. What is turned around is the few rows, and what comes of them.
#include "products-turned.h"

#include <stddef.h>

#include "bounds.h"
#include "products-blocks.h"
#include "squares.h"

/** With fewer rows there are too few vectors for a kernel; with more a copy of the right factor is a small part of the work. Kernels for large products take what has so many columns and terms. */
#define LEAST_ROWS WIDTH
#define MOST_ROWS_TURNED 128
#define LEAST_COLUMNS_TURNED 128
#define LEAST_TERMS 96
/** Twice what is turned around is to be less than the right factor, and of all lanes no more than one of so many without a row. */
#define MOVES 2
#define LANES 32
/** Numbers of the result that are held turned around, so that they stay in the second cache, and room for what vectors read behind them. */
#define HELD_NUMBERS (96 * 1024)

static _Thread_local float held[HELD_NUMBERS + WIDTH] __attribute__((aligned(64)));

/** Some rows and columns of the result, WIDTH of each at most, from where they are held. */
static void turn_back(Into into, const float *from, int64_t step, int rows, int columns) {
  vector square[WIDTH];
  UNROLLED for (int i = 0; i < WIDTH; i++) square[i] = load(from + i * step);
  turn_square(square);
  for (int i = 0; i < rows; i++) {
    vector numbers = into.alpha * square[i];
    if (into.added) numbers += into.beta * load(into.added + i * into.added_row);
    if (into.relu) numbers = choose(numbers < 0, (vector){0}, numbers);
    store_first(into.out + i * into.out_row, numbers, columns);
  }
}

int turning_pays(int64_t m, int64_t n, int64_t k) {
  const int64_t lanes = (m + WIDTH - 1) / WIDTH * WIDTH;
  return m >= LEAST_ROWS && m <= MOST_ROWS_TURNED && n >= LEAST_COLUMNS_TURNED && k >= LEAST_TERMS && LANES * (lanes - m) <= lanes &&
         MOVES * m * (n + k) <= n * k;
}

void run_turned(const Matrices *matrices) {
  const int64_t m = matrices->m, step = (m + WIDTH - 1) / WIDTH * WIDTH, most = HELD_NUMBERS / step / WIDTH * WIDTH;
  for (int64_t column = 0; column < matrices->n; column += most) {
    const int64_t columns = least(most, matrices->n - column);
    const Matrices turned = {
        columns, m, matrices->k, matrices->right + column * matrices->right_column, matrices->right_column, matrices->right_row, matrices->left,
        matrices->left_column, matrices->left_row, {held, step, NULL, 0, 1, 0, 0},
    };
    run_blocks(&turned, 1);
    for (int64_t at = 0; at < columns; at += WIDTH)
      for (int64_t row = 0; row < m; row += WIDTH)
        turn_back(into_from(matrices->into, row, column + at), held + at * step + row, step, (int)least(WIDTH, m - row), (int)least(WIDTH, columns - at));
  }
}
