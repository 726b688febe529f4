// Some rows of a left factor by a panel of a right one, for large products: what a kernel is told, and the kernels by their size.
#ifndef INNERLOOP_PRODUCTS_STRIPS_H
#define INNERLOOP_PRODUCTS_STRIPS_H

#include "products-tiles.h"

/** Vectors of a panel, and rows of a strip, at most. */
#define PANEL_VECTORS 3
#if defined(__AVX512F__) || defined(__aarch64__)
#define STRIP_ROWS 9
#else
#define STRIP_ROWS 4
#endif
/** From one term of a copied strip to the next, as squares write it: none reaches beyond the next term's first vector. */
#define STRIP (STRIP_ROWS <= WIDTH ? STRIP_ROWS : (STRIP_ROWS + WIDTH - 1) / WIDTH * WIDTH)

typedef struct {
  /** Without what lookups are told. The panel's rows lie together. */
  Tile tile;
  /** From row to row of a strip that is read where it lies. */
  int64_t left_row;
  /** Of each term, a place in the tile, from its first number: all places where results come are on their way before the sum is done. */
  const int32_t *places;
} Strip;

typedef void (*StripKernel)(const Strip *);

/** By vectors, then rows, of strips that are read where they lie, a term's numbers a row apart; and of copied ones, each term's numbers together. */
extern const StripKernel strips_in_place[PANEL_VECTORS + 1][STRIP_ROWS + 1];
extern const StripKernel strips_copied[PANEL_VECTORS + 1][STRIP_ROWS + 1];

#endif
