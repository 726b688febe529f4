// A product without a lookup, as it is handed to what takes it as a whole.
#ifndef INNERLOOP_PRODUCTS_MATRICES_H
#define INNERLOOP_PRODUCTS_MATRICES_H

#include <stdint.h>

/** Two matrices as they lie, and where alpha · left · right + beta · added goes. */
typedef struct {
  int64_t m, n, k;
  const float *left;
  int64_t left_row, left_column;
  const float *right;
  int64_t right_row, right_column;
  float *out;
  int64_t out_row;
  /** NULL: nothing. A row's numbers lie together. */
  const float *added;
  int64_t added_row;
  float alpha, beta;
  int relu;
} Matrices;

#endif
