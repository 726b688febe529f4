// Large products: in blocks of rows and of the sum, whose factors lie together where kernels read them again and again.
#ifndef INNERLOOP_PRODUCTS_BLOCKS_H
#define INNERLOOP_PRODUCTS_BLOCKS_H

#include "products-tiles.h"

/** Sizes from which on blocks pay. */
#define BLOCK_ROWS 64
#define BLOCK_COLUMNS 128
#define BLOCK_SUM 96

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
  /** The left factor is read where it lies. If not, it is copied: that pays where many panels read it, or its rows lie so that they push each other out of the first cache. */
  int in_place;
} Blocks;

void run_blocks(const Blocks *blocks);

#endif
