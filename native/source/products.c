// Products of words.md: which kernels, and in which pieces, so that what they read again and again is near.
#include <stddef.h>

#include "kernels.h"
#include "products-panels.h"
#include "products-tiles.h"

#ifndef MOST_ROW_TERMS
#define MOST_ROW_TERMS MOST_TERMS
/** Terms that kernels by columns take at once: those of the left factor lie apart, and each takes a line of the first cache. */
#define MOST_COLUMN_TERMS 64
/** Numbers of `out` and of the left factor that are gone over again for every piece of the sum, so that they stay in the second cache. */
#define BLOCK_NUMBERS (128 * 1024)
/** Rows of the right factor that are as far from each other fall on few places of the first cache: a copy pays where this many kernels read it. */
#define FAR_ROWS 256
#define COPY_TILES 4
#endif

enum { ADDED = 1, RELU = 2, LOOKUP_ROWS = 4, LOOKUP_COLUMNS = 8 };

typedef struct {
  int32_t flags;
  int64_t m, n, k;
  float alpha, beta;
  int64_t left_row, left_column, right_row, right_column, out_row, added_row, added_column;
  const int32_t *table;
  int64_t taps, segment;
  /** Whether the rows of the left factor lie side by side, or the terms of a row do. */
  int by_columns;
  int copied;
  /** The sum is taken in `blocks` of `pieces` with `terms` each at most. */
  int64_t blocks, pieces, terms;
  /** Rows that are taken through all the sum before the next. */
  int64_t block_rows;
  /** Without a lookup: where the rows of a tile begin, or by columns its terms, from `base` on. */
  int64_t base;
  int32_t offsets[MOST_TERMS];
} Product;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t parts(int64_t size, int64_t largest) { return (size + largest - 1) / largest; }

/** Some rows whose table is the same but for the row, as tiles of about one size. `tile` has the places of row 0. */
static void run_tiles(const Product *product, Tile tile, int vectors, int64_t row, int64_t end) {
  const Kernel *kernels = (product->by_columns ? column_kernels : row_kernels)[vectors];
  const int64_t tiles = parts(end - row, most_rows[vectors]), rows = (end - row) / tiles;
  int64_t longer = (end - row) % tiles;
  const int64_t left_row = product->flags & LOOKUP_ROWS ? 0 : product->left_row;
  const int64_t table_row = product->flags & LOOKUP_ROWS ? product->taps : 0;
  tile.left += row * left_row;
  tile.table += row * table_row;
  tile.out += row * tile.out_row;
  if (tile.added) tile.added += row * tile.added_row;
  while (row < end) {
    const int64_t count = rows + (longer-- > 0);
    kernels[count](&tile);
    tile.left += count * left_row;
    tile.table += count * table_row;
    tile.out += count * tile.out_row;
    if (tile.added) tile.added += count * tile.added_row;
    row += count;
  }
}

/** Rows by one panel. By columns, the taps of a lookup have tables of their own. */
static void run_panel(const Product *product, const Tile *tile, int vectors, int64_t row, int64_t end) {
  if (!(product->flags & LOOKUP_COLUMNS)) {
    run_tiles(product, *tile, vectors, row, end);
    return;
  }
  while (row < end) {
    const int64_t tap = row / product->segment, next = least(end, (tap + 1) * product->segment);
    Tile of_tap = *tile;
    of_tap.table += tap;
    of_tap.left -= tap * product->segment;
    run_tiles(product, of_tap, vectors, row, next);
    row = next;
  }
}

/** A block of rows and a piece of the sum, panel by panel. */
static void run_block(const Product *product, Tile tile, const float *right, int64_t row, int64_t end) {
  const int64_t vectors = parts(product->n, WIDTH), panels = parts(vectors, MOST_VECTORS);
  const int64_t total = tile.pieces * tile.terms;
  const float *added = tile.added;
  float *out = tile.out;
  float panel[product->copied ? PANEL_NUMBERS : 1];
  for (int64_t at = 0, i = 0; i < panels; i++) {
    const int width = (int)(vectors * (i + 1) / panels - vectors * i / panels);
    const int64_t columns = least(product->n - at, width * WIDTH);
    tile.last = (int)(columns - (width - 1) * WIDTH);
    tile.out = out + at;
    if (added) tile.added = added + at;
    if (product->copied) {
      copy_panel(panel, width, right + at * product->right_column, product->right_row, product->right_column, total, columns);
      tile.right = panel;
      tile.right_row = width * WIDTH;
    } else {
      tile.right = right + at;
      tile.right_row = product->right_row;
    }
    run_panel(product, &tile, width, row, end);
    at += columns;
  }
}

static void run_matrices(const Product *product, const float *left, const float *right, float *out, const float *added) {
  const int lookup_rows = product->flags & LOOKUP_ROWS;
  float beta = product->beta;
  int64_t added_row = product->added_row;
  if (added && product->added_column != 1) {
    for (int64_t i = 0; i < product->m; i++)
      for (int64_t j = 0; j < product->n; j++) out[i * product->out_row + j] = added[i * added_row + j * product->added_column];
    added = out;
    added_row = product->out_row;
  }
  Tile tile = {.table_step = product->table ? product->taps : 1, .left_step = product->left_column, .out_row = product->out_row, .alpha = product->alpha};
  if (lookup_rows) tile.left_step = 1;
  for (int64_t row = 0; row < product->m; row += product->block_rows) {
    const int64_t end = least(product->m, row + product->block_rows);
    int64_t term = 0;
    for (int64_t i = 0; i < product->blocks; i++) {
      tile.terms = product->terms;
      tile.pieces = product->pieces;
      tile.left = left + product->base;
      tile.table = product->table ? product->table : product->offsets;
      if (lookup_rows) {
        const int64_t tap = term / product->segment, from = term % product->segment;
        tile.pieces = least(tile.pieces, product->taps - tap);
        tile.terms = least(tile.terms, product->segment - from);
        tile.table += tap;
        tile.left += from;
      } else {
        tile.terms = least(tile.terms, product->k - term);
        if (product->table) tile.table += term * product->taps;
        else tile.left += term * product->left_column;
      }
      tile.out = out;
      tile.added = i > 0 ? out : added;
      tile.added_row = i > 0 ? product->out_row : added_row;
      tile.beta = i > 0 ? 1 : beta;
      tile.relu = i + 1 == product->blocks && product->flags & RELU;
      run_block(product, tile, right + term * product->right_row, row, end);
      term += tile.pieces * tile.terms;
    }
  }
}

/** In how many pieces the sum is taken, and how many rows go through all of it together. */
static void divide(Product *product) {
  const int64_t largest = product->by_columns ? MOST_COLUMN_TERMS : MOST_ROW_TERMS;
  product->pieces = 1;
  if (product->flags & LOOKUP_ROWS) {
    const int64_t cuts = parts(product->segment, largest);
    product->terms = parts(product->segment, cuts);
    product->blocks = parts(product->segment, product->terms) * product->taps;
    if (cuts == 1) {
      product->blocks = parts(product->taps, largest / product->segment);
      product->pieces = parts(product->taps, product->blocks);
      product->blocks = parts(product->taps, product->pieces);
    }
  } else {
    product->terms = parts(product->k, most(1, parts(product->k, largest)));
    product->blocks = most(1, parts(product->k, most(1, product->terms)));
  }
  const int64_t together = product->terms * product->pieces + product->n;
  product->block_rows = product->blocks == 1 ? product->m : most(4 * MOST_ROWS, BLOCK_NUMBERS / together);
  product->block_rows = parts(product->m, parts(product->m, product->block_rows));
}

static void choose_ways(Product *product) {
  const int lookup = product->flags & (LOOKUP_ROWS | LOOKUP_COLUMNS);
  if (product->n == 1) product->right_column = product->added_column = 1;
  product->by_columns = lookup ? product->flags & LOOKUP_COLUMNS : product->left_row == 1 && product->left_column != 1 && product->m > 1;
  if (product->flags & LOOKUP_COLUMNS) product->left_row = 1;
  product->copied = product->right_column != 1 ||
                    (product->m >= COPY_TILES * most_rows[MOST_VECTORS] && (product->right_row >= FAR_ROWS || product->right_row <= -FAR_ROWS));
  divide(product);
  product->base = 0;
  if (lookup) return;
  product->table = NULL;
  const int64_t step = product->by_columns ? product->left_column : product->left_row;
  const int64_t count = product->by_columns ? product->terms : MOST_ROWS;
  if (step < 0) product->base = (count - 1) * step;
  for (int64_t i = 0; i < count; i++) product->offsets[i] = (int32_t)(i * step - product->base);
}

/** Rows of a batch that are rows of one larger product. */
static int joined(Product *product, const int32_t *axis) {
  if (product->table || axis[2] != 0) return 0;
  if (axis[1] != product->m * product->left_row || axis[3] != product->m * product->out_row) return 0;
  if (product->flags & ADDED && axis[4] != product->m * product->added_row) return 0;
  product->m *= axis[0];
  return 1;
}

static void run_batch(const Product *product, const int32_t *axis, const int32_t *end, const float *left, const float *right, float *out, const float *added) {
  if (axis == end) {
    run_matrices(product, left, right, out, added);
    return;
  }
  for (int64_t i = 0; i < axis[0]; i++)
    run_batch(product, axis + 5, end, left + i * axis[1], right + i * axis[2], out + i * axis[3], added ? added + i * axis[4] : NULL);
}

static float float_of(int32_t bits) {
  float number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

int run_product(const int32_t *words, float *memory) {
  const int32_t *w = words + 2;
  Product product;
  product.flags = w[0];
  product.m = w[1], product.n = w[2], product.k = w[3];
  product.alpha = float_of(w[4]), product.beta = float_of(w[5]);
  product.left_row = w[7], product.left_column = w[8];
  product.right_row = w[10], product.right_column = w[11];
  product.out_row = w[13];
  product.added_row = w[15], product.added_column = w[16];
  product.table = product.flags & (LOOKUP_ROWS | LOOKUP_COLUMNS) ? (const int32_t *)(const void *)(memory + w[17]) : NULL;
  product.taps = w[18], product.segment = w[19];
  if (product.m < 1 || product.n < 1) return DONE;
  const int32_t *axes = w + 21, *end = axes + 5 * w[20];
  while (end > axes && joined(&product, end - 5)) end -= 5;
  choose_ways(&product);
  run_batch(&product, axes, end, memory + w[6], memory + w[9], memory + w[12], product.flags & ADDED ? memory + w[14] : NULL);
  return DONE;
}
