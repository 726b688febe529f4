// Some rows of a left factor by a panel of a right one, for large products: what a kernel is told, and the kernels by their size.
#ifndef INNERLOOP_PRODUCTS_STRIPS_H
#define INNERLOOP_PRODUCTS_STRIPS_H

#include "products-ahead.h"
#include "products-tiles.h"

/** Vectors of a panel at most, and rows of a strip at most: those that most_rows has for panels of two vectors. */
#define PANEL_VECTORS 3
#if defined(__AVX512F__) || defined(__aarch64__)
#define STRIP_ROWS 13
#else
#define STRIP_ROWS 6
#endif
/** What kernels ask for while they sum: what comes next, and at last where results come. */
#define COMING 3

typedef struct {
  /** Without what lookups are told. The panel's rows lie together. */
  Tile tile;
  /** From row to row of a strip, or from term to term. */
  int64_t left_step;
  /** As many terms together as there are. */
  Coming coming[COMING];
} Strip;

typedef void (*StripKernel)(const Strip *);

/** By vectors, then rows: of strips whose terms lie together, a row apart from the next row's, and of those whose rows do. */
extern const StripKernel strips_by_rows[PANEL_VECTORS + 1][STRIP_ROWS + 1];
extern const StripKernel strips_by_columns[PANEL_VECTORS + 1][STRIP_ROWS + 1];

#endif
