// Some rows by some vectors of a product, held in registers while the sum runs: what a kernel is told, and the kernels by their size.
#ifndef INNERLOOP_PRODUCTS_TILES_H
#define INNERLOOP_PRODUCTS_TILES_H

#include "products-matrices.h"
#include "vectors.h"

/** Vectors of columns that a kernel takes at most, and the rows it takes at most with that many: as many sums as there are registers for. */
#define MOST_VECTORS 4
#define MOST_ROWS 14
static const int most_rows[MOST_VECTORS + 1] =
#if defined(__AVX512F__) || defined(__aarch64__)
    {0, 14, 13, 9, 6};
#else
    {0, 10, 6, 4, 3};
#endif

/** Kernels by rows know a place for each row, and x86 has registers for no more of those. */
static const int most_rows_apart[MOST_VECTORS + 1] =
#if defined(__AVX512F__)
    {0, 11, 11, 9, 6};
#elif defined(__aarch64__)
    {0, 14, 13, 9, 6};
#else
    {0, 10, 6, 4, 3};
#endif

/** The longest piece of the sum that is taken at once. */
#define MOST_TERMS 640
/** Kernels by columns: terms of the left factor that are on their way, unless vectors are so few. */
#define PLACES_AHEAD 8
#define NARROW 2

/** A product's rows and columns for one kernel, over a piece of the sum. */
typedef struct {
  const float *left;
  /**
   * Where the left factor's numbers begin, from `left`; below zero there are none, and zeros count in their place.
   * Kernels by rows: piece q of row r begins at table[r * table_step + q]. Kernels by columns: the rows' numbers for term p lie together at table[p * table_step].
   * Kernels by numbers: term p of row r is at table[r * table_step + p * term_step].
   */
  const int32_t *table;
  int64_t table_step, term_step;
  /** Kernels by columns of more than NARROW vectors: those numbers begin at places[p] + first instead. Behind the last are PLACES_AHEAD more that may be read. */
  const float **places;
  int64_t first;
  /** Of their terms, those with each of which a line is asked for, from `asked` on. */
  int64_t asking;
  const float *asked;
  /** Kernels of more than NARROW vectors ask with the others for what the next place of a batch takes: from `coming` on, so far on with each term. */
  const float *coming;
  int64_t coming_step;
  /** Pieces of the sum, terms of each, and the distance of a piece's terms. The others: one piece. */
  int64_t pieces, terms, left_step;
  const float *right;
  int64_t right_row;
  Into into;
  /** Columns of the last vector. */
  int last;
} Tile;

typedef void (*Kernel)(const Tile *);

/** What is read where there are no numbers. */
#define MOST_ZEROS (MOST_TERMS + MOST_ROWS)
extern const float zeros[MOST_ZEROS];

/** By vectors, then rows. */
extern const Kernel row_kernels[MOST_VECTORS + 1][MOST_ROWS + 1];
extern const Kernel column_kernels[MOST_VECTORS + 1][MOST_ROWS + 1];
extern const Kernel number_kernels[MOST_VECTORS + 1][MOST_ROWS + 1];

#endif
