// Sums of a tile: rows by vectors, which are registers while the rows and the vectors are constants.
#ifndef INNERLOOP_PRODUCTS_SUMS_H
#define INNERLOOP_PRODUCTS_SUMS_H

#include "products-tiles.h"

typedef vector Sums[MOST_ROWS][MOST_VECTORS];

INLINE void clear(const int rows, const int vectors, Sums sums) {
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = (vector){0};
}

INLINE void finish(const int rows, const int vectors, Sums sums, const Tile *tile) {
  const vector alpha = spread(tile->alpha);
  const int last = tile->last;
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] *= alpha;
  if (tile->added) {
    const vector beta = spread(tile->beta);
    const float *added = tile->added;
    UNROLLED for (int r = 0; r < rows; r++) {
      UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] += beta * load(added + v * WIDTH);
      added += tile->added_row;
    }
  }
  if (tile->relu)
    UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++)
      sums[r][v] = choose(sums[r][v] < 0, (vector){0}, sums[r][v]);
  float *out = tile->out;
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v + 1 < vectors; v++) store(out + v * WIDTH, sums[r][v]);
    store_first(out + (vectors - 1) * WIDTH, sums[r][vectors - 1], last);
    out += tile->out_row;
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

#endif
