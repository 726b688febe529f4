// Products of few rows by a large right factor whose rows lie together.
#ifndef INNERLOOP_PRODUCTS_FEW_H
#define INNERLOOP_PRODUCTS_FEW_H

#include "products-matrices.h"

/** Rows for which it pays, fewer where the terms of a row do not lie together, and numbers of the right factor that the first cache has anyway. */
#define FEWEST_ROWS 4
#define MOST_FEW_ROWS 63
#define MOST_FEW_APART 32
#define NEAR_RIGHT 8192

/** Numbers of a row of `right` lie together. */
void run_few(const Matrices *matrices);

#endif
