// Kernels of products: one source for all numbers of rows and vectors, which the compiler makes constants of and holds all the sums in registers.
#include <stddef.h>

#include "products-ahead.h"
#include "products-sums.h"

#if defined(__clang__)
#define UNFORESEEN(test) __builtin_unpredictable(test)
#else
#define UNFORESEEN(test) __builtin_expect_with_probability(test, 1, 0.5)
#endif

const float zeros[MOST_ZEROS] = {0};

/**
 * Where a piece begins: zeros stand for those below zero. `none` is how far zeros lie from `left`. Without a branch: at the edges of an image, no
 * processor foresees which of the two it is.
 */
INLINE const float *place(const float *left, int64_t none, int32_t offset) {
  return (const float *)((uintptr_t)left + 4 * (uintptr_t)(UNFORESEEN(offset < 0) ? none : offset));
}

INLINE int64_t to_zeros(const float *left) { return (int64_t)((uintptr_t)zeros - (uintptr_t)left) / 4; }

/** To the second cache. */
#define NEAR 2

INLINE void by_rows(const int rows, const int vectors, const Tile *tile) {
  Sums sums;
  clear(rows, vectors, sums);
  const float *right = tile->right;
  const float *coming = tile->coming;
  const int64_t none = to_zeros(tile->left), right_row = tile->right_row, left_step = tile->left_step, coming_step = tile->coming_step;
  for (int64_t q = 0; q < tile->pieces; q++) {
    const float *left[MOST_ROWS];
    UNROLLED for (int r = 0; r < rows; r++) left[r] = place(tile->left, none, tile->table[r * tile->table_step + q]);
    int64_t at = 0;
    for (int64_t terms = tile->terms; terms > 0; terms--) {
      if (vectors > NARROW) {
        __builtin_prefetch(coming, 0, NEAR);
        coming += coming_step;
      }
      TAKE(left[r][at])
      at += left_step;
      right += right_row;
    }
  }
  finish(rows, vectors, sums, tile);
}

/** A term of a kernel that is told where it is. No processor foresees what is looked up. */
#define TAKE_TOLD                                     \
  {                                                   \
    __builtin_prefetch(places[PLACES_AHEAD] + first); \
    const float *left = *places++ + first;            \
    TAKE(left[r])                                     \
    right += right_row;                               \
  }

/** Wide kernels are told where all terms are. To narrow ones, of which there are few for a place, it is told by the table. */
INLINE void by_columns(const int rows, const int vectors, const Tile *tile) {
  Sums sums;
  clear(rows, vectors, sums);
  const float *right = tile->right, *const *places = tile->places;
  const int64_t none = to_zeros(tile->left), right_row = tile->right_row, table_step = tile->table_step, first = tile->first;
  if (vectors > NARROW) {
    const float *asked = tile->asked;
    int64_t terms = tile->terms;
    for (int64_t asking = tile->asking; asking > 0; asking--, terms--) {
      __builtin_prefetch(asked, 1);
      asked += LINE;
      TAKE_TOLD
    }
    const float *coming = tile->coming;
    const int64_t coming_step = tile->coming_step;
    for (; terms > 0; terms--) {
      __builtin_prefetch(coming, 0, NEAR);
      coming += coming_step;
      TAKE_TOLD
    }
  } else {
    const int32_t *table = tile->table;
    for (int64_t terms = tile->terms; terms > 0; terms--) {
      const float *left = place(tile->left, none, *table);
      table += table_step;
      TAKE(left[r])
      right += right_row;
    }
  }
  finish(rows, vectors, sums, tile);
}

/** Pieces of one number: each is found and taken at once. */
INLINE void by_numbers(const int rows, const int vectors, const Tile *tile) {
  Sums sums;
  clear(rows, vectors, sums);
  const float *right = tile->right, *from = tile->left;
  const int64_t none = to_zeros(from), right_row = tile->right_row, table_step = tile->table_step, term_step = tile->term_step;
  const int32_t *table = tile->table;
  for (int64_t terms = tile->terms; terms > 0; terms--) {
    TAKE(*place(from, none, table[r * table_step]))
    table += term_step;
    right += right_row;
  }
  finish(rows, vectors, sums, tile);
}

#define KERNELS(rows, vectors)                                                                        \
  static void rows_##rows##_##vectors(const Tile *tile) { by_rows(rows, vectors, tile); }             \
  static void columns_##rows##_##vectors(const Tile *tile) { by_columns(rows, vectors, tile); }       \
  static void numbers_##rows##_##vectors(const Tile *tile) { by_numbers(rows, vectors, tile); }
// As many rows as most_rows says.
#if defined(__AVX512F__) || defined(__aarch64__)
#define ALL(list) TO_14(list, 1) TO_13(list, 2) TO_9(list, 3) TO_6(list, 4)
#else
#define ALL(list) TO_10(list, 1) TO_6(list, 2) TO_4(list, 3) TO_3(list, 4)
#endif

ALL(KERNELS)

#define BY_ROWS(rows, vectors) [vectors][rows] = rows_##rows##_##vectors,
#define BY_COLUMNS(rows, vectors) [vectors][rows] = columns_##rows##_##vectors,
#define BY_NUMBERS(rows, vectors) [vectors][rows] = numbers_##rows##_##vectors,

const Kernel row_kernels[MOST_VECTORS + 1][MOST_ROWS + 1] = {ALL(BY_ROWS)};
const Kernel column_kernels[MOST_VECTORS + 1][MOST_ROWS + 1] = {ALL(BY_COLUMNS)};
const Kernel number_kernels[MOST_VECTORS + 1][MOST_ROWS + 1] = {ALL(BY_NUMBERS)};
