// Sums of a tile: rows by vectors, which are registers while the rows and the vectors are constants.
#ifndef INNERLOOP_PRODUCTS_SUMS_H
#define INNERLOOP_PRODUCTS_SUMS_H

#include "products-tiles.h"

typedef vector Sums[MOST_ROWS][MOST_VECTORS];

INLINE void clear(const int rows, const int vectors, Sums sums) {
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = (vector){0};
}

INLINE void finish(const int rows, const int vectors, Sums sums, const Tile *tile) {
  const Into *into = &tile->into;
  const vector alpha = spread(into->alpha);
  const int last = tile->last;
  const float *added = into->added;
  if (added && into->beta == 1) {
    UNROLLED for (int r = 0; r < rows; r++) {
      UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = alpha * sums[r][v] + load(added + v * WIDTH);
      added += into->added_row;
    }
  } else {
    // As many cycles as a term takes, and most products have no factor.
    if (into->alpha != 1)
      UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] *= alpha;
    if (added) {
      const vector beta = spread(into->beta);
      UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] += beta * load(added + v * WIDTH);
        added += into->added_row;
      }
    }
  }
  if (into->relu)
    UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++)
      sums[r][v] = choose(sums[r][v] < 0, (vector){0}, sums[r][v]);
  float *out = into->out;
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v + 1 < vectors; v++) store(out + v * WIDTH, sums[r][v]);
    store_first(out + (vectors - 1) * WIDTH, sums[r][vectors - 1], last);
    out += into->out_row;
  }
}

/** One term of all sums: `number` is that of row r. A macro, since each is to be found where it is taken. */
#define TAKE(number)                                                                     \
  {                                                                                      \
    vector b[MOST_VECTORS];                                                              \
    UNROLLED for (int v = 0; v < vectors; v++) b[v] = load(right + v * WIDTH);           \
    UNROLLED for (int r = 0; r < rows; r++) {                                            \
      const vector a = spread(number);                                                   \
      UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] += a * b[v];                 \
    }                                                                                    \
  }

// Kernels of one row to so many, each with `v` vectors.
#define TO_3(list, v) list(1, v) list(2, v) list(3, v)
#define TO_4(list, v) TO_3(list, v) list(4, v)
#define TO_6(list, v) TO_4(list, v) list(5, v) list(6, v)
#define TO_9(list, v) TO_6(list, v) list(7, v) list(8, v) list(9, v)
#define TO_10(list, v) TO_9(list, v) list(10, v)
#define TO_13(list, v) TO_10(list, v) list(11, v) list(12, v) list(13, v)
#define TO_14(list, v) TO_13(list, v) list(14, v)

#endif
