// Few rows take each number of the right factor a few times, and then not before the next product: it comes from the second cache, or from beyond. Its rows
// are asked for ahead, since no processor foresees rows that are far from each other, and each column's sum runs without a break.
#include "products-few.h"

#include <stddef.h>

#include "products-sums.h"

/** Vectors of columns that are taken together: more reads of the left factor come to each of the right one with fewer. */
#define VECTORS 3
#if defined(__AVX512F__) || defined(__aarch64__)
#define ROWS 9
#else
#define ROWS 4
#endif
/** Rows of the right factor that are on their way. */
#define AHEAD 8

INLINE void few_of(const int rows, const int vectors, const Tile *tile) {
  Sums sums;
  clear(rows, vectors, sums);
  const float *right = tile->right, *left[ROWS];
  const int64_t right_row = tile->right_row, left_step = tile->left_step, ahead = AHEAD * right_row;
  UNROLLED for (int r = 0; r < rows; r++) left[r] = tile->left + r * tile->table_step;
  int64_t at = 0;
  for (int64_t terms = tile->terms; terms > 0; terms--) {
    UNROLLED for (int v = 0; v < vectors; v++) __builtin_prefetch(right + ahead + v * WIDTH);
    TAKE(left[r][at])
    at += left_step;
    right += right_row;
  }
  finish(rows, vectors, sums, tile);
}

#define FEW(rows, vectors) \
  static void few_##rows##_##vectors(const Tile *tile) { few_of(rows, vectors, tile); }
#define TO_4(list, v) list(1, v) list(2, v) list(3, v) list(4, v)
#if ROWS == 9
#define TO_ALL(list, v) TO_4(list, v) list(5, v) list(6, v) list(7, v) list(8, v) list(9, v)
#else
#define TO_ALL(list, v) TO_4(list, v)
#endif
#define ALL(list) TO_ALL(list, 1) TO_ALL(list, 2) TO_ALL(list, 3)

ALL(FEW)

#define BY_SIZE(rows, vectors) [vectors][rows] = few_##rows##_##vectors,

static const Kernel kernels[VECTORS + 1][ROWS + 1] = {ALL(BY_SIZE)};

void run_few(const Matrices *matrices) {
  Tile tile = {
      .table_step = matrices->left_row, .terms = matrices->k, .left_step = matrices->left_column, .right_row = matrices->right_row,
      .out_row = matrices->out_row, .added_row = matrices->added_row, .alpha = matrices->alpha, .beta = matrices->beta, .relu = matrices->relu,
  };
  const int64_t tiles = (matrices->m + ROWS - 1) / ROWS;
  int64_t vectors = (matrices->n + WIDTH - 1) / WIDTH, at = 0;
  for (int64_t panels = (vectors + VECTORS - 1) / VECTORS; panels > 0; panels--) {
    const int width = (int)((uint32_t)vectors / (uint32_t)panels);
    const int64_t columns = matrices->n - at < width * WIDTH ? matrices->n - at : width * WIDTH;
    tile.last = (int)(columns - (width - 1) * WIDTH);
    tile.right = matrices->right + at;
    for (int64_t row = 0, left = tiles; left > 0; left--) {
      const int64_t rows = left == 1 ? matrices->m - row : (uint32_t)(matrices->m - row) / (uint32_t)left;
      tile.left = matrices->left + row * matrices->left_row;
      tile.out = matrices->out + row * matrices->out_row + at;
      tile.added = matrices->added ? matrices->added + row * matrices->added_row + at : NULL;
      kernels[width][rows](&tile);
      row += rows;
    }
    vectors -= width;
    at += columns;
  }
}
