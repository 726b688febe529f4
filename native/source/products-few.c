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
#if ROWS == 9
#define ALL(list) TO_9(list, 1) TO_9(list, 2) TO_9(list, 3)
#else
#define ALL(list) TO_4(list, 1) TO_4(list, 2) TO_4(list, 3)
#endif

ALL(FEW)

#define BY_SIZE(rows, vectors) [vectors][rows] = few_##rows##_##vectors,

static const Kernel kernels[VECTORS + 1][ROWS + 1] = {ALL(BY_SIZE)};

void run_few(const Matrices *matrices) {
  Tile tile = {
      .table_step = matrices->left_row, .terms = matrices->k, .left_step = matrices->left_column, .right_row = matrices->right_row,
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
      tile.into = into_from(matrices->into, row, at);
      kernels[width][rows](&tile);
      row += rows;
    }
    vectors -= width;
    at += columns;
  }
}
