// Products of few rows by a large right factor whose rows lie together.
#ifndef INNERLOOP_PRODUCTS_FEW_H
#define INNERLOOP_PRODUCTS_FEW_H

#include "products-matrices.h"

/** Rows for which it pays, and numbers of the right factor that the first cache has anyway. */
#define FEWEST_ROWS 5
#define MOST_FEW_ROWS 9
#define NEAR_RIGHT 8192
/** So many rows where each has its terms together, columns are many, and terms no more than that. */
#define MOST_ROWS_BY_MANY 32
#define MANY_COLUMNS 256
#define FEW_TERMS 1024

/** Numbers of a row of `right` lie together. */
void run_few(const Matrices *matrices);

#endif
