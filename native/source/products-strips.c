// Kernels of large products. While they sum, what they need next comes nearer: a little with every term, since much at once would keep the terms waiting.
#include "products-strips.h"

#include <stddef.h>

#include "products-sums.h"

/** Terms whose row of the panel is on its way from the second cache. */
#define TERMS_AHEAD 6

INLINE void run_strip(const int rows, const int vectors, const int by_rows, const Strip *strip) {
  const Tile *tile = &strip->tile;
  Sums sums;
  clear(rows, vectors, sums);
  const float *right = tile->right, *left = tile->left;
  const int64_t left_step = strip->left_step;
  const Coming *coming = strip->coming, *end = coming + COMING;
  for (; coming < end; coming++) {
    const float *from = coming->from;
    const int32_t *places = coming->places;
    for (int64_t terms = coming->terms; terms > 0; terms--) {
      __builtin_prefetch(from + *places++);
      UNROLLED for (int v = 0; v < vectors; v++) __builtin_prefetch(right + (TERMS_AHEAD * vectors + v) * WIDTH);
      if (by_rows) {
        TAKE(left[r * left_step])
        left++;
      } else {
        __builtin_prefetch(left + TERMS_AHEAD * left_step);
        TAKE(left[r])
        left += left_step;
      }
      right += vectors * WIDTH;
    }
  }
  finish(rows, vectors, sums, tile);
}

#define KERNELS(rows, vectors)                                                                           \
  static void rows_##rows##_##vectors(const Strip *strip) { run_strip(rows, vectors, 1, strip); }        \
  static void columns_##rows##_##vectors(const Strip *strip) { run_strip(rows, vectors, 0, strip); }
// As many rows as most_rows says, or STRIP_ROWS.
#if defined(__AVX512F__) || defined(__aarch64__)
#define ALL(list) TO_13(list, 1) TO_13(list, 2) TO_9(list, 3)
#else
#define ALL(list) TO_6(list, 1) TO_6(list, 2) TO_4(list, 3)
#endif

ALL(KERNELS)

#define BY_ROWS(rows, vectors) [vectors][rows] = rows_##rows##_##vectors,
#define BY_COLUMNS(rows, vectors) [vectors][rows] = columns_##rows##_##vectors,

const StripKernel strips_by_rows[PANEL_VECTORS + 1][STRIP_ROWS + 1] = {ALL(BY_ROWS)};
const StripKernel strips_by_columns[PANEL_VECTORS + 1][STRIP_ROWS + 1] = {ALL(BY_COLUMNS)};
