// Few rows by a large right factor whose columns' numbers lie together: the product of both turned, and that turned back.
#ifndef INNERLOOP_PRODUCTS_TURNED_H
#define INNERLOOP_PRODUCTS_TURNED_H

#include "products-matrices.h"

/** Whether it takes less time than otherwise for so many rows, columns and terms. */
int turning_pays(int64_t m, int64_t n, int64_t k);

/** The terms of a column of `right` lie together, and those of a row of `left`. */
void run_turned(const Matrices *matrices);

#endif
