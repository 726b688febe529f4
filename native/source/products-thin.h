// Products of one or two rows by a large right factor whose rows lie together: sums of rows among them, as gradients of biases are.
#ifndef INNERLOOP_PRODUCTS_THIN_H
#define INNERLOOP_PRODUCTS_THIN_H

#include "products-matrices.h"

/** Rows at most, columns from which on it pays, and numbers of the right factor: a smaller one stays in the second cache. */
#define MOST_THIN_ROWS 2
#define THIN_COLUMNS 256
#define FAR_RIGHT (64 * 1024)

/** Numbers of a row of `right` lie together; k is 1 at least. */
void run_thin(const Matrices *matrices);

#endif
