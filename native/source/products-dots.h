// Products of rows by columns whose numbers lie together in both factors, where there are too few rows to turn the right factor around for.
#ifndef INNERLOOP_PRODUCTS_DOTS_H
#define INNERLOOP_PRODUCTS_DOTS_H

#include "products-tiles.h"

/** Two matrices and where the result goes; numbers of a row of `left` and of a column of `right` lie together. */
typedef struct {
  int64_t m, n, k;
  const float *left, *right;
  int64_t left_row, right_column;
  float *out;
  int64_t out_row;
  /** NULL: nothing. A row's numbers lie together. */
  const float *added;
  int64_t added_row;
  float alpha, beta;
  int relu;
} Dots;

void run_dots(const Dots *dots);

#endif
