// Where products go, and one without a lookup as it is handed to what takes it as a whole.
#ifndef INNERLOOP_PRODUCTS_MATRICES_H
#define INNERLOOP_PRODUCTS_MATRICES_H

#include <stdint.h>

/** Where alpha · left · right + beta · added goes, relu. A row's numbers lie together. */
typedef struct {
  float *out;
  int64_t out_row;
  /** NULL: nothing. */
  const float *added;
  int64_t added_row;
  float alpha, beta;
  int relu;
} Into;

/** From a row and a column on. */
static inline Into into_from(Into into, int64_t row, int64_t column) {
  into.out += row * into.out_row + column;
  if (into.added) into.added += row * into.added_row + column;
  return into;
}

/** Two matrices as they lie, and where their product goes. */
typedef struct {
  int64_t m, n, k;
  const float *left;
  int64_t left_row, left_column;
  const float *right;
  int64_t right_row, right_column;
  Into into;
} Matrices;

#endif
