// Large products. A panel of the right factor and a strip of the left one are near while a kernel runs; the strips of a block of rows stay in the
// second cache, or a little beyond, for all panels.
#include "products-blocks.h"

#include <stddef.h>

#include "products-panels.h"
#include "products-tiles.h"
#include "squares.h"

/** Vectors of a panel, and rows of a strip. */
#define PANEL_VECTORS 3
#if defined(__AVX512F__) || defined(__aarch64__)
#define STRIP_ROWS 9
#else
#define STRIP_ROWS 4
#endif
/** The rows of a strip as squares write them: none of a term reaches beyond the next term's first vector. */
#define STRIP (STRIP_ROWS <= WIDTH ? STRIP_ROWS : (STRIP_ROWS + WIDTH - 1) / WIDTH * WIDTH)
/** Terms of a piece of the sum at most, and numbers of the left factor in a block of rows. */
#define PIECE 512
#define BLOCK_NUMBERS (256 * 1024)

/** Strips of a block, each term's rows together, and room for what squares write behind the last. */
static _Thread_local float strips[BLOCK_NUMBERS + 2 * (PIECE + WIDTH) * STRIP] __attribute__((aligned(64)));
static _Thread_local float panel[(PIECE + WIDTH) * PANEL_VECTORS * WIDTH] __attribute__((aligned(64)));

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t parts(int64_t size, int64_t largest) { return (size + largest - 1) / largest; }

/** Numbers of a row lie together: squares of them become terms. The last row stands for those that are not there. */
static void turn_rows(float *strip, const float *left, int64_t row, int64_t rows, int64_t terms) {
  for (int64_t at = 0; at < rows; at += WIDTH) {
    const float *from[WIDTH];
    for (int i = 0; i < WIDTH; i++) from[i] = left + least(at + i, rows - 1) * row;
    for (int64_t p = 0; p < terms; p += WIDTH) {
      vector square[WIDTH];
      UNROLLED for (int i = 0; i < WIDTH; i++) square[i] = load(from[i] + p);
      turn_square(square);
      UNROLLED for (int i = 0; i < WIDTH; i++) store(strip + (p + i) * STRIP + at, square[i]);
    }
  }
}

static void copy_strip(float *strip, const float *left, int64_t row, int64_t column, int64_t rows, int64_t terms) {
  if (column == 1) {
    turn_rows(strip, left, row, rows, terms);
  } else if (row == 1) {
    for (int64_t p = 0; p < terms; p++)
      for (int64_t at = 0; at < rows; at += WIDTH) store(strip + p * STRIP + at, load(left + p * column + at));
  } else {
    for (int64_t p = 0; p < terms; p++)
      for (int64_t i = 0; i < rows; i++) strip[p * STRIP + i] = left[i * row + p * column];
  }
}

/** Where strip `i` of all the rows begins: they have as many rows each as can be. */
typedef struct {
  int64_t rows, count;
} Strips;

static int64_t row_of(Strips all, int64_t i) { return i * all.rows / all.count; }

/** Where results come is on its way while the sum runs. */
static void foresee(const Tile *tile, int64_t rows, int vectors) {
  for (int64_t r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) __builtin_prefetch(tile->out + r * tile->out_row + v * WIDTH, 1);
}

/** Strips `first` to `last` by all panels, over a piece of the sum. */
static void run_panels(const Matrices *matrices, int in_place, Tile *tile, Strips all, int64_t first, int64_t last, const float *left, const float *right, const float *added) {
  const int64_t terms = tile->terms;
  int64_t vectors = parts(matrices->n, WIDTH), at = 0;
  for (int64_t panels = parts(vectors, PANEL_VECTORS); panels > 0; panels--) {
    const int width = (int)(vectors / panels);
    const int64_t columns = least(matrices->n - at, width * WIDTH);
    copy_panel(panel, width, right + at * matrices->right_column, matrices->right_row, matrices->right_column, terms, columns);
    tile->right = panel;
    tile->right_row = width * WIDTH;
    tile->last = (int)(columns - (width - 1) * WIDTH);
    for (int64_t i = first; i < last; i++) {
      const int64_t row = row_of(all, i), rows = row_of(all, i + 1) - row;
      tile->left = in_place ? left + row * matrices->left_row : strips + (i - first) * STRIP * terms;
      tile->out = matrices->out + row * matrices->out_row + at;
      tile->added = added ? added + row * tile->added_row + at : NULL;
      foresee(tile, rows, width);
      (in_place ? row_kernels : column_kernels)[width][rows](tile);
    }
    vectors -= width;
    at += columns;
  }
}

void run_blocks(const Matrices *matrices, int in_place) {
  const int64_t pieces = parts(matrices->k, PIECE), piece = parts(matrices->k, pieces);
  const Strips all = {matrices->m, parts(matrices->m, STRIP_ROWS)};
  const int64_t together = parts(all.count, parts(all.count, BLOCK_NUMBERS / (piece * STRIP)));
  int32_t offsets[PIECE];
  for (int i = 0; i < PIECE; i++) offsets[i] = i * STRIP;
  if (in_place)
    for (int i = 0; i < STRIP_ROWS; i++) offsets[i] = (int32_t)(i * matrices->left_row);
  Tile tile = {.table = offsets, .table_step = 1, .pieces = 1, .left_step = 1, .out_row = matrices->out_row, .alpha = matrices->alpha};
  for (int64_t first = 0; first < all.count; first += together) {
    const int64_t last = least(all.count, first + together);
    const float *added = matrices->added;
    tile.added_row = matrices->added_row;
    tile.beta = matrices->beta;
    for (int64_t term = 0; term < matrices->k; term += piece) {
      const float *left = matrices->left + term * matrices->left_column;
      tile.terms = least(piece, matrices->k - term);
      tile.relu = matrices->relu && term + tile.terms == matrices->k;
      if (!in_place)
        for (int64_t i = first; i < last; i++) {
          const int64_t row = row_of(all, i), rows = row_of(all, i + 1) - row;
          copy_strip(strips + (i - first) * STRIP * tile.terms, left + row * matrices->left_row, matrices->left_row, matrices->left_column, rows, tile.terms);
        }
      run_panels(matrices, in_place, &tile, all, first, last, left, matrices->right + term * matrices->right_row, added);
      added = matrices->out;
      tile.added_row = matrices->out_row;
      tile.beta = 1;
    }
  }
}
