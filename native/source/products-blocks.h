// Large products: in blocks of rows and of the sum, whose factors lie together where kernels read them again and again.
#ifndef INNERLOOP_PRODUCTS_BLOCKS_H
#define INNERLOOP_PRODUCTS_BLOCKS_H

#include "products-matrices.h"

/** Sizes from which on blocks pay, and numbers of a right factor: the first cache does not hold more. */
#define BLOCK_ROWS 64
#define BLOCK_COLUMNS 128
#define BLOCK_SUM 96
#define BLOCK_RIGHT 8192
/** Fewer columns do where terms push each other out of the first cache, and fewer terms for many rows. */
#define LEAST_COLUMNS 64
#define LEAST_SUM 48
#define MANY_ROWS 256

/** @param in_place the left factor is read where it lies: the terms of its rows lie together, or its rows do. If not, a strip of it is copied at a time */
void run_blocks(const Matrices *matrices, int in_place);

#endif
