// Large products: in blocks of rows and of the sum, whose factors lie together where kernels read them again and again.
#ifndef INNERLOOP_PRODUCTS_BLOCKS_H
#define INNERLOOP_PRODUCTS_BLOCKS_H

#include "products-matrices.h"

/** Sizes from which on blocks pay. */
#define BLOCK_ROWS 64
#define BLOCK_COLUMNS 128
#define BLOCK_SUM 96

/** @param in_place the left factor's terms lie together, and it is read where it lies. If not, a strip of it is copied at a time */
void run_blocks(const Matrices *matrices, int in_place);

#endif
