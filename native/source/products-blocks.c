// Large products. A block of the right factor lies in panels in the second cache; strips of the left one come one after another, each by all panels.
#include "products-blocks.h"

#include <stddef.h>

#include "bounds.h"
#include "products-panels.h"
#include "products-strips.h"

/** Terms of a piece of the sum at most. */
#define PIECE 256
/** Numbers of the right factor in a block, and vectors of its columns, at most. Larger ones pay where the left factor is copied for each. */
#define BLOCK_NUMBERS (160 * 1024)
#define MOST_BLOCK_NUMBERS (208 * 1024)
#define BLOCK_VECTORS 96
/** By so few rows a block is read for hardly longer than its copy takes: a smaller one is copied while the one before it is read, some of it after each strip. */
#define FEW_ROWS 256
#define SMALL_NUMBERS (48 * 1024)
/** Behind a block, room for what squares write with it. */
#define BLOCK_ROOM (WIDTH * PANEL_VECTORS * WIDTH)
/** Rows whose results come again for each piece of the sum before those behind them do. */
#define ROWS_TOGETHER 2048
/** Rows of the right factor that are on their way while one is copied, and terms of the left one. */
#define ROWS_AHEAD 4
#define TERMS_AHEAD 8
/** Strips of which a term's numbers lie side by side: copied together, they take a row of the left factor at once. */
#define STRIPS_TOGETHER 8
/** From row to row of a copied strip whose terms lie together: rows do not fall on the same places of the first cache. */
#define STRIP_ROW (PIECE + LINE)

/** One block, or two small ones. */
static _Thread_local float block_numbers[MOST_BLOCK_NUMBERS + BLOCK_ROOM] __attribute__((aligned(64)));
/** Behind each strip, room for what vectors write with it. */
static _Thread_local float strips[STRIPS_TOGETHER * (PIECE * STRIP_ROWS + WIDTH)] __attribute__((aligned(64)));

static int64_t parts(int64_t size, int64_t largest) { return (size + largest - 1) / largest; }

/** Rows of a strip when `count` of about one size are left. */
static int64_t rows_of_strip(int64_t rows, int64_t count) { return (uint32_t)rows / (uint32_t)count; }

/** A strip whose terms lie together stays so. */
static void copy_rows(const float *left, int64_t row, int64_t rows, int64_t terms) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t p = 0; p < terms; p += WIDTH) store(strips + i * STRIP_ROW + p, load(left + i * row + p));
}

/** Of `count` strips that take `rows` rows the first few, each with its rows side by side: lines of the left factor are read once, and not once for each strip. */
static void copy_strips(const float *left, int64_t row, int64_t column, int64_t rows, int64_t count, int64_t terms) {
  int64_t sizes[STRIPS_TOGETHER], all = 0;
  const int64_t copied = least(count, STRIPS_TOGETHER);
  for (int64_t i = 0; i < copied; i++) all += sizes[i] = rows_of_strip(rows - all, count - i);
  for (int64_t p = 0; p < terms; p++, left += column) {
    const float *from = left;
    float *to = strips;
    if (row == 1)
      for (int64_t at = 0; at < all; at += LINE) __builtin_prefetch(left + TERMS_AHEAD * column + at);
    for (int64_t i = 0; i < copied; i++) {
      float *const term = to + p * sizes[i];
      if (row == 1) {
        for (int64_t at = 0; at < sizes[i]; at += WIDTH) store(term + at, load(from + at));
      } else {
        for (int64_t at = 0; at < sizes[i]; at++) term[at] = from[at * row];
      }
      from += sizes[i] * row;
      to += sizes[i] * terms + WIDTH;
    }
  }
}

/** Some vectors of columns from `column` on in panels, the first vector of each and behind the last the end, and some terms of the sum. */
typedef struct {
  int64_t column, columns, panels, widest;
  int64_t vectors[BLOCK_VECTORS / PANEL_VECTORS + 1];
  int64_t term, terms;
} Block;

static int width_of(const Block *at, int64_t panel) { return (int)(at->vectors[panel + 1] - at->vectors[panel]); }

static void set_columns(Block *at, int64_t first, int64_t vectors, int64_t n) {
  at->column = first * WIDTH;
  at->columns = least(vectors * WIDTH, n - at->column);
  at->panels = parts(vectors, PANEL_VECTORS);
  at->widest = parts(vectors, at->panels);
  for (int64_t i = 0; i <= at->panels; i++) at->vectors[i] = i * vectors / at->panels;
}

/** Whether the numbers of the right factor's columns lie together, and not those of its rows. */
static int is_turned(const Matrices *matrices) { return matrices->right_row == 1 && matrices->right_column != 1; }

static const float *right_of(const Matrices *matrices, const Block *at) {
  return matrices->right + at->term * matrices->right_row + at->column * matrices->right_column;
}

/** In how many units a block is copied: terms, or vectors of columns where these are turned. */
static int64_t units_of(const Matrices *matrices, const Block *at) { return is_turned(matrices) ? at->vectors[at->panels] : at->terms; }

/** Where a unit begins. */
static const float *unit_of(const Matrices *matrices, const Block *at, int64_t unit) {
  return right_of(matrices, at) + unit * (is_turned(matrices) ? WIDTH * matrices->right_column : matrices->right_row);
}

/** Units `unit` to `end`: rows of the right factor are read from one end to the other, as they lie. */
static void copy_units(const Matrices *matrices, const Block *at, float *block, int64_t unit, int64_t end) {
  const int64_t column = matrices->right_column;
  if (is_turned(matrices)) {
    for (int64_t i = 0; i < at->panels; i++) {
      const int64_t first = at->vectors[i], width = width_of(at, i);
      for (; unit < least(end, first + width); unit++)
        turn_columns(block + (first * at->terms + unit - first) * WIDTH, width * WIDTH, unit_of(matrices, at, unit), column, at->terms, least(at->columns - unit * WIDTH, WIDTH));
    }
    return;
  }
  for (; unit < end; unit++) {
    const float *right = unit_of(matrices, at, unit);
    for (int64_t i = 0; i < at->panels; i++) {
      const int64_t first = at->vectors[i], width = width_of(at, i);
      float *to = block + (first * at->terms + unit * width) * WIDTH;
      if (column == 1) {
        __builtin_prefetch(right + ROWS_AHEAD * matrices->right_row + first * WIDTH);
        for (int64_t v = 0; v < width; v++) store(to + v * WIDTH, load(right + (first + v) * WIDTH));
      } else {
        for (int64_t j = 0; j < least(width * WIDTH, at->columns - first * WIDTH); j++) to[j] = right[(first * WIDTH + j) * column];
      }
    }
  }
}

/** Where a block's piece of the sum goes: all but the first are added to what is there. */
static Into into_of(const Matrices *matrices, const Block *at) {
  Into into = matrices->into;
  if (at->term > 0) into.added = into.out, into.added_row = into.out_row, into.beta = 1;
  into.relu = into.relu && at->term + at->terms == matrices->k;
  return into;
}

/** What is asked for of some units. */
static Ahead units_ahead(const Matrices *matrices, const Block *next, int64_t units, int64_t calls) {
  if (is_turned(matrices)) return ahead_of(units * WIDTH, matrices->right_column, parts(next->terms, LINE), LINE, calls);
  return ahead_of(units, matrices->right_row, matrices->right_column == 1 ? parts(next->columns, LINE) : 1, LINE, calls);
}

static const float *left_of(const Matrices *matrices, int64_t row, int64_t term) {
  return matrices->left + row * matrices->left_row + term * matrices->left_column;
}

/** Rows `begin` to `end` by a block. @param to where the next block is copied, a little with each strip; NULL: it is not */
static void run_block(const Matrices *matrices, int in_place, const Block *at, const float *block, const Block *next, float *to, int64_t begin, int64_t end) {
  const Into into = into_of(matrices, at);
  const int by_rows = matrices->left_column == 1;
  const StripKernel(*kernels)[STRIP_ROWS + 1] = by_rows ? strips_by_rows : strips_by_columns;
  const int64_t most = least(STRIP_ROWS, most_rows[at->widest]), count = parts(end - begin, most), units = units_of(matrices, next);
  Strip now = {.tile = {.terms = at->terms}, .left_step = !in_place ? STRIP_ROW : by_rows ? matrices->left_row : matrices->left_column};
  Ahead of_strip = ahead_of(parts(at->terms, LINE), LINE, most, matrices->left_row, at->panels);
  Ahead of_units = units_ahead(matrices, next, parts(units, count), at->panels);
  const Ahead of_out = ahead_of(most, into.out_row, at->widest, WIDTH, 1);
  const int64_t strip_lines = by_rows ? lines_of(&of_strip) : 0, unit_lines = to ? lines_of(&of_units) : 0;
  // Half of the terms ask for what comes next, if anything does.
  const int64_t before = strip_lines + unit_lines > 0 ? at->terms / 2 : 0;
  const int64_t strip_terms = before > 0 ? before * strip_lines / (strip_lines + unit_lines) : 0;
  int32_t places[PIECE];
  const float *copied = strips;
  now.coming[0] = coming_of(&of_strip, places, strip_terms);
  now.coming[1] = coming_of(&of_units, places + strip_terms, before - strip_terms);
  now.coming[2] = coming_of(&of_out, places + before, at->terms - before);
  for (int64_t s = 0, row = begin; s < count; s++) {
    const int64_t rows = rows_of_strip(end - row, count - s), following = row + rows;
    const float *left = left_of(matrices, row, at->term);
    if (in_place) {
      now.tile.left = left;
    } else if (by_rows) {
      copy_rows(left, matrices->left_row, rows, at->terms);
      now.tile.left = strips;
    } else {
      if (s % STRIPS_TOGETHER == 0) copied = strips, copy_strips(left, matrices->left_row, matrices->left_column, end - row, count - s, at->terms);
      now.tile.left = copied, now.left_step = rows;
      copied += rows * at->terms + WIDTH;
    }
    ask(&of_strip, following < end ? left_of(matrices, following, at->term) : left_of(matrices, begin, next->term));
    ask(&of_units, unit_of(matrices, next, s * units / count));
    for (int64_t i = 0; i < at->panels; i++) {
      const int64_t first = at->vectors[i], column = at->column + first * WIDTH;
      const int width = width_of(at, i);
      now.tile.right = block + first * at->terms * WIDTH;
      now.tile.into = into_from(into, row, column);
      now.tile.last = (int)least(at->columns - (at->vectors[i + 1] - 1) * WIDTH, WIDTH);
      now.coming[0].from = next_of(&of_strip);
      now.coming[1].from = next_of(&of_units);
      now.coming[2].from = now.tile.into.out;
      kernels[width][rows](&now);
    }
    if (to) copy_units(matrices, next, to, s * units / count, (s + 1) * units / count);
    row = following;
  }
}

/** The block from a vector of columns and a term on. */
static Block block_of(const Matrices *matrices, int64_t first, int64_t term) {
  const int64_t piece = parts(matrices->k, parts(matrices->k, PIECE)), vectors = parts(matrices->n, WIDTH);
  const int64_t numbers = matrices->m <= FEW_ROWS ? SMALL_NUMBERS : matrices->left_column == 1 ? BLOCK_NUMBERS : MOST_BLOCK_NUMBERS;
  const int64_t wide = parts(vectors, parts(vectors, least(BLOCK_VECTORS, numbers / (piece * WIDTH))));
  Block at = {.term = term, .terms = least(piece, matrices->k - term)};
  set_columns(&at, first, least(wide, vectors - first), matrices->n);
  return at;
}

/** All pieces of the sum of the same columns come one after another; the first block follows the last. */
static Block block_after(const Matrices *matrices, const Block *at) {
  const int64_t term = at->term + at->terms, first = at->column / WIDTH, following = first + at->vectors[at->panels];
  if (term < matrices->k) return block_of(matrices, first, term);
  return block_of(matrices, following * WIDTH < matrices->n ? following : 0, 0);
}

void run_blocks(const Matrices *matrices, int in_place) {
  const int64_t together = parts(matrices->m, parts(matrices->m, ROWS_TOGETHER));
  const int few = matrices->m <= FEW_ROWS;
  float *block = block_numbers, *other = block_numbers + SMALL_NUMBERS + BLOCK_ROOM;
  Block at = block_of(matrices, 0, 0);
  for (int64_t row = 0; row < matrices->m; row += together) {
    const int64_t end = least(matrices->m, row + together);
    for (int first = 1, last = 0; !last; first = 0) {
      const Block next = block_after(matrices, &at);
      last = next.term == 0 && next.column == 0;
      if (first || !few) copy_units(matrices, &at, block, 0, units_of(matrices, &at));
      run_block(matrices, in_place, &at, block, &next, few && !last ? other : NULL, row, end);
      if (few) {
        float *const taken = block;
        block = other, other = taken;
      }
      at = next;
    }
  }
}
