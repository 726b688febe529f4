// Products of small factors, which the first cache has: what is around the sums counts as much as they do.
#ifndef INNERLOOP_PRODUCTS_SMALL_H
#define INNERLOOP_PRODUCTS_SMALL_H

#include "products-matrices.h"
#include "vectors.h"

/** Whether there are kernels for them, and columns and terms for which it pays: fewer columns are a small part of a vector. */
#define SMALL_KERNELS (WIDTH == 16)
#define LEAST_SMALL_COLUMNS 5
#define MOST_SMALL_COLUMNS 48
#define MOST_SMALL_TERMS 64

/** Numbers of rows or of columns lie together in each of both factors, but for one that is a single row or column. */
void run_small(const Matrices *matrices);

#endif
