// Kernels of large products. While they sum, what they need next comes nearer: a little with every term, since much at once would keep the terms waiting.
#include "products-strips.h"

#include <stddef.h>

#include "products-sums.h"

/** Terms whose row of the panel is on its way from the second cache. */
#define TERMS_AHEAD 6

INLINE void run_strip(const int rows, const int vectors, const int in_place, const Strip *strip) {
  const Tile *tile = &strip->tile;
  Sums sums;
  clear(rows, vectors, sums);
  const float *right = tile->right, *left = tile->left, *out = tile->out;
  const int64_t left_row = strip->left_row;
  const int32_t *places = strip->places;
  for (int64_t terms = tile->terms; terms > 0; terms--) {
    __builtin_prefetch(out + *places++, 1);
    UNROLLED for (int v = 0; v < vectors; v++) __builtin_prefetch(right + (TERMS_AHEAD * vectors + v) * WIDTH);
    if (in_place) {
      TAKE(left[r * left_row])
      left++;
    } else {
      TAKE(left[r])
      left += STRIP;
    }
    right += vectors * WIDTH;
  }
  finish(rows, vectors, sums, tile);
}

#define KERNELS(rows, vectors)                                                                              \
  static void in_place_##rows##_##vectors(const Strip *strip) { run_strip(rows, vectors, 1, strip); }       \
  static void copied_##rows##_##vectors(const Strip *strip) { run_strip(rows, vectors, 0, strip); }
#define TO_4(list, v) list(1, v) list(2, v) list(3, v) list(4, v)

// As many rows as STRIP_ROWS says.
#if defined(__AVX512F__) || defined(__aarch64__)
#define ROWS(list, v) TO_4(list, v) list(5, v) list(6, v) list(7, v) list(8, v) list(9, v)
#else
#define ROWS TO_4
#endif
#define ALL(list) ROWS(list, 1) ROWS(list, 2) ROWS(list, 3)

ALL(KERNELS)

#define IN_PLACE(rows, vectors) [vectors][rows] = in_place_##rows##_##vectors,
#define COPIED(rows, vectors) [vectors][rows] = copied_##rows##_##vectors,

const StripKernel strips_in_place[PANEL_VECTORS + 1][STRIP_ROWS + 1] = {ALL(IN_PLACE)};
const StripKernel strips_copied[PANEL_VECTORS + 1][STRIP_ROWS + 1] = {ALL(COPIED)};
