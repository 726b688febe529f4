// Products of rows by columns whose numbers lie together in both factors, where there are too few rows to turn the right factor around for.
#ifndef INNERLOOP_PRODUCTS_DOTS_H
#define INNERLOOP_PRODUCTS_DOTS_H

#include "products-matrices.h"

/** Numbers of a row of `left` and of a column of `right` lie together. */
void run_dots(const Matrices *matrices);

#endif
