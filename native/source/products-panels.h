// The right factor's columns in panels that lie together, for where they do not as they are.
#ifndef INNERLOOP_PRODUCTS_PANELS_H
#define INNERLOOP_PRODUCTS_PANELS_H

#include "products-tiles.h"

/** Room for the largest panel, and for rows behind its last that are written with it. */
#define PANEL_NUMBERS ((MOST_TERMS + WIDTH) * MOST_VECTORS * WIDTH)

/** `terms` rows of `columns` numbers, to rows of `vectors` whole vectors; what follows the last column is of no account. */
void copy_panel(float *panel, int vectors, const float *right, int64_t row, int64_t column, int64_t terms, int64_t columns);

/** Numbers of a column lie together: WIDTH of them, of WIDTH columns, become WIDTH rows, `width` numbers apart. The last column stands for those that are not there. */
void turn_columns(float *panel, int64_t width, const float *right, int64_t column, int64_t terms, int64_t columns);

#endif
