// Products of words.md: which kernels, and in which pieces, so that what they read again and again is near.
#include <stddef.h>

#include "bounds.h"
#include "kernels.h"
#include "products-ahead.h"
#include "products-blocks.h"
#include "products-dots.h"
#include "products-few.h"
#include "products-following.h"
#include "products-panels.h"
#include "products-small.h"
#include "products-thin.h"
#include "products-tiles.h"
#include "products-turned.h"

/** Terms that kernels by columns take at once. Narrow ones take them from the first cache, of which each takes a line, since those of the left factor lie apart. */
#define MOST_COLUMN_TERMS 256
#define MOST_NARROW_TERMS 64
/** Numbers of `out` and of the left factor that are gone over again for every piece of the sum, so that they stay in the second cache. */
#define BLOCK_NUMBERS (128 * 1024)
/** Rows of the right factor that are as far from each other fall on few places of the first cache: a copy pays where this many kernels read it. */
#define FAR_ROWS 256
#define COPY_TILES 4
/** Terms of a sum that does not take long enough for what it is added to to come by itself. */
#define FEW_TERMS_ADDED 64
/** And one that takes long enough for it. */
#define MANY_TERMS_ADDED 128
/** Columns from which on the left factor of large matrices is copied if its rows lie together. Rows or terms that are so far from each other push each other out of the first cache: they are copied too. */
#define COPY_COLUMNS 256
#define COLLIDING_STEP 1024
/**
 * Rows are taken as dots instead of turning the right factor around if they are no more than that and there are so many terms for each: more of
 * them if the right factor is small, and near whichever way it is read.
 */
#define DOT_ROWS 64
#define DOT_TERMS 8
#define NEAR_DOT_TERMS 16
#define NEAR_NUMBERS 8192

/** So many places of a batch for each part are even enough without taking one apart. With less rows a part than that its columns are cut. Dots take so many together. */
#define EVEN_PLACES 8
#define FEW_ROWS 16
#define DOT_COLUMNS 4

typedef struct {
  int32_t flags;
  /** Rows from `first` up to m are taken, and n columns. */
  int64_t first, m, n, k;
  float alpha, beta;
  int64_t left_row, left_column, right_row, right_column, out_row, added_row, added_column;
  const int32_t *table;
  int64_t taps, segment;
  /** Whether the rows of the left factor lie side by side, or the terms of a row do. */
  int by_columns;
  /** A lookup of single numbers: in the table, the distances of the rows of the left factor and of its terms. */
  int by_numbers;
  int64_t table_row, table_term;
  /** Whether kernels read copies of the right factor, a panel each. */
  int copied;
  /** Whether the numbers of rows and those of columns lie together, and rows are few: taken as the product of both turned, or as dots. */
  int turned, dots;
  /** Whether rows are few, or one or two, and the right factor is large and read where it lies; whether it and terms are small. */
  int few, thin, small;
  /** Whether it is one of large matrices without a lookup, and whether these read the left factor where it lies. */
  int large, in_place;
  /** From a place of the batch to the next one, the numbers of a factor that is another there and lies together: while kernels take one, the next comes nearer. */
  Following left_following, right_following;
  /** The sum is taken in `blocks` of `pieces` with `terms` each at most. */
  int64_t blocks, pieces, terms;
  /** Rows that are taken through all the sum before the next. */
  int64_t block_rows;
  /** Which steps of the batch are the left factor's and the right one's. */
  int left_axis, right_axis;
  /** Without a lookup: where the rows of a tile begin, or by columns its terms, from `base` on. */
  int64_t base;
  int32_t offsets[MOST_COLUMN_TERMS];
} Product;

/** How many pieces of at most `largest` there are in `size`. Most products are small, and a division takes as long as many sums. */
static int64_t parts(int64_t size, int64_t largest) { return size <= largest ? 1 : (uint32_t)(size + largest - 1) / (uint32_t)largest; }

/** The begin of row 0 at a place of the batch, for a panel and a piece of the sum. */
typedef struct {
  const float *left;
  const int32_t *table;
  Into into;
  /** Of both factors of the next place. */
  Rest *rests;
} Places;

/** What the next tile is added to comes nearer meanwhile: no processor foresees rows that are far from each other, and few terms would wait for it. */
static void ask_for(Into into, int vectors, int64_t rows) {
  for (int64_t r = 0; r < rows; r++, into.added += into.added_row)
    for (int v = 0; v < vectors; v++) __builtin_prefetch(into.added + v * WIDTH, 1);
}

/** With how many terms a line of what this tile is added to, and then the next one, is asked for: at once it would keep the terms waiting. */
static int64_t asking_of(const Tile *tile, int vectors, int64_t rows) {
  const int64_t lines = 2 * rows * vectors * WIDTH / LINE;
  if (!tile->into.added || tile->into.added_row != vectors * WIDTH || tile->terms <= FEW_TERMS_ADDED || tile->terms > MANY_TERMS_ADDED) return 0;
  return least(lines, tile->terms);
}

/** Some rows whose table is the same but for the row, as tiles of about one size. */
static void run_tiles(const Product *product, Tile *tile, int vectors, Places at, int64_t row, int64_t end) {
  const Kernel *kernels = (product->by_numbers ? number_kernels : product->by_columns ? column_kernels : row_kernels)[vectors];
  const int64_t left_row = product->left_row, table_row = product->table_row, begin = row;
  // Of rows side by side kernels read some numbers of each line: the rest is there by the time that the next ones do.
  const int together = product->by_columns && !product->by_numbers && !(product->flags & LOOKUP_COLUMNS);
  const int tallest = (product->by_numbers || product->by_columns ? most_rows : most_rows_apart)[vectors];
  for (int64_t tiles = parts(end - row, tallest); tiles > 0; tiles--) {
    const int64_t count = tiles == 1 ? end - row : (uint32_t)(end - row) / (uint32_t)tiles;
    tile->left = at.left + row * left_row;
    tile->table = at.table + row * table_row;
    tile->first = row - begin;
    tile->into = into_from(at.into, row, 0);
    if (tile->into.added && vectors > NARROW && tile->terms <= FEW_TERMS_ADDED && tiles > 1) ask_for(into_from(tile->into, count, 0), vectors, count);
    tile->asking = vectors > NARROW && product->by_columns ? asking_of(tile, vectors, count) : 0;
    tile->asked = tile->into.added;
    if (vectors > NARROW && together) ask_with(tile, at.rests, tile->left + tile->table[0] + LINE, product->left_column);
    else if (vectors > NARROW) ask_with(tile, at.rests, tile->right, 0);
    kernels[count](tile);
    row += count;
  }
}

/** Rows by one panel. By columns, the taps of a lookup have tables of their own, and it is told once to all wide kernels where their terms are. */
static void run_panel(const Product *product, Tile *tile, int vectors, Places at, int64_t row, int64_t end) {
  if (product->by_numbers || !product->by_columns) {
    run_tiles(product, tile, vectors, at, row, end);
    return;
  }
  const int64_t segment = product->flags & LOOKUP_COLUMNS ? product->segment : product->m;
  for (int64_t tap = row / segment; row < end; tap += row == (tap + 1) * segment) {
    const int64_t next = least(least(end, (tap + 1) * segment), row + MOST_ZEROS);
    const Places of_tap = {at.left - tap * segment, at.table + tap, at.into, at.rests};
    if (vectors > NARROW) {
      for (int64_t i = 0; i < tile->terms; i++) {
        const int32_t place = of_tap.table[i * tile->table_step];
        tile->places[i] = place < 0 ? zeros : of_tap.left + row + place;
      }
      for (int64_t i = 0; i < PLACES_AHEAD; i++) tile->places[tile->terms + i] = zeros;
    }
    run_tiles(product, tile, vectors, of_tap, row, next);
    row = next;
  }
}

/** A block of rows and a piece of the sum, panel by panel. */
static void run_block(const Product *product, Tile *tile, Places at, const float *right, int64_t row, int64_t end) {
  const int64_t terms = tile->pieces * tile->terms;
  float panel[product->copied ? PANEL_NUMBERS : 1];
  int64_t vectors = (product->n + WIDTH - 1) / WIDTH, columns = product->n;
  for (int64_t panels = (vectors + MOST_VECTORS - 1) / MOST_VECTORS; panels > 0; panels--) {
    const int64_t width = panels == 1 ? vectors : (uint32_t)vectors / (uint32_t)panels, taken = least(columns, width * WIDTH);
    tile->last = (int)(taken - (width - 1) * WIDTH);
    tile->right = right;
    tile->right_row = product->right_row;
    if (product->copied) {
      copy_panel(panel, (int)width, right, product->right_row, product->right_column, terms, taken);
      tile->right = panel;
      tile->right_row = width * WIDTH;
    }
    run_panel(product, tile, (int)width, at, row, end);
    vectors -= width;
    columns -= taken;
    right += taken * product->right_column;
    at.into = into_from(at.into, 0, taken);
  }
}

/** What is added lies otherwise than kernels read it: it is put where the results come. */
static void spread_added(const Product *product, float *out, const float *added) {
  for (int64_t i = product->first; i < product->m; i++)
    for (int64_t j = 0; j < product->n; j++) out[i * product->out_row + j] = added[i * product->added_row + j * product->added_column];
}

static void run_matrices(const Product *product, const float *left, const float *right, float *out, const float *added) {
  const int lookup_rows = product->flags & LOOKUP_ROWS && !product->by_numbers;
  const int spread_out = added && product->added_column != 1;
  if (spread_out) spread_added(product, out, added);
  const Into into = {
      out, product->out_row, spread_out ? out : added, spread_out ? product->out_row : product->added_row, product->alpha, product->beta,
      product->flags & RELU,
  };
  if (product->turned || product->dots || product->few || product->thin || product->small || product->large) {
    const int64_t first = product->first;
    const Matrices matrices = {
        product->m - first, product->n, product->k, left + first * product->left_row, product->left_row, product->left_column, right,
        product->right_row, product->right_column, into_from(into, first, 0),
    };
    if (product->turned) run_turned(&matrices);
    else if (product->dots) run_dots(&matrices);
    else if (product->few) run_few(&matrices);
    else if (product->thin) run_thin(&matrices);
    else if (product->small) run_small(&matrices);
    else run_blocks(&matrices, product->in_place);
    return;
  }
  const float *places[MOST_COLUMN_TERMS + PLACES_AHEAD];
  Rest rests[2] = {rest_of(&product->left_following, left), rest_of(&product->right_following, right)};
  Tile tile;
  tile.places = places;
  tile.table_step = product->by_numbers ? product->table_row : product->table ? product->taps : 1;
  tile.term_step = product->table_term;
  tile.left_step = lookup_rows ? 1 : product->left_column;
  for (int64_t row = product->first; row < product->m; row += product->block_rows) {
    const int64_t end = least(product->m, row + product->block_rows);
    Places at = {left + product->base, product->table ? product->table : product->offsets, into, rests};
    for (int64_t block = 0, term = 0, from = 0; block < product->blocks; block++) {
      tile.pieces = product->pieces;
      tile.terms = product->terms;
      if (lookup_rows) {
        tile.pieces = least(tile.pieces, (product->k - term + product->segment - 1) / product->segment);
        tile.terms = least(tile.terms, product->segment - from);
      } else {
        tile.terms = least(tile.terms, product->k - term);
      }
      at.into.relu = block + 1 == product->blocks && into.relu;
      run_block(product, &tile, at, right + term * product->right_row, row, end);
      term += tile.pieces * tile.terms;
      if (lookup_rows) {
        const int64_t next = from + tile.terms < product->segment ? from + tile.terms : 0;
        at.left += next - from;
        if (next == 0) at.table += tile.pieces;
        from = next;
      } else if (product->table) {
        at.table += tile.terms * product->table_term;
      } else {
        at.left += tile.terms * product->left_column;
      }
      at.into.added = out, at.into.added_row = into.out_row, at.into.beta = 1;
    }
  }
}

/** In how many pieces the sum is taken, and how many rows go through all of it together. */
static void divide(Product *product) {
  const int64_t largest = !product->by_columns ? MOST_TERMS : product->n <= NARROW * WIDTH ? MOST_NARROW_TERMS : MOST_COLUMN_TERMS;
  product->blocks = product->pieces = 1;
  product->terms = product->k;
  product->block_rows = product->m;
  if (product->flags & LOOKUP_ROWS && !product->by_numbers) {
    product->terms = product->segment;
    if (product->segment > largest) {
      product->terms = parts(product->segment, parts(product->segment, largest));
      product->blocks = parts(product->segment, product->terms) * product->taps;
    } else if (product->k > largest) {
      product->pieces = parts(product->taps, parts(product->taps, largest / product->segment));
      product->blocks = parts(product->taps, product->pieces);
    } else {
      product->pieces = product->taps;
    }
  } else if (product->k > largest) {
    product->terms = parts(product->k, parts(product->k, largest));
    product->blocks = parts(product->k, product->terms);
  }
  if (product->blocks == 1) return;
  const int64_t rows = most(4 * MOST_ROWS, BLOCK_NUMBERS / (product->terms * product->pieces + product->n));
  product->block_rows = parts(product->m, parts(product->m, rows));
}

static void choose_ways(Product *product) {
  const int lookup = product->flags & (LOOKUP_ROWS | LOOKUP_COLUMNS);
  if (product->n == 1) product->right_column = product->added_column = 1;
  product->turned = !lookup && product->left_column == 1 && product->right_row == 1 && product->right_column >= product->k &&
                    product->right_column % COLLIDING_STEP != 0 && turning_pays(product->m, product->n, product->k);
  product->dots = !lookup && !product->turned && product->left_column == 1 && product->right_row == 1 && (product->right_column != 1 || product->n == 1) &&
                  product->m <= DOT_ROWS &&
                  product->m * (product->k * product->n > NEAR_NUMBERS ? DOT_TERMS : NEAR_DOT_TERMS) <= product->k;
  const int by_many = product->left_column == 1 && product->n >= MANY_COLUMNS && product->k <= FEW_TERMS;
  product->few = !lookup && product->right_column == 1 && product->m >= FEWEST_ROWS && product->m <= (by_many ? MOST_ROWS_BY_MANY : MOST_FEW_ROWS) &&
                 product->k * product->n > NEAR_RIGHT;
  product->thin = !lookup && product->right_column == 1 && product->m <= MOST_THIN_ROWS && product->n >= THIN_COLUMNS && product->k * product->n >= FAR_RIGHT;
  const int left_together = product->left_row == 1 || product->left_column == 1 || product->m == 1 || product->k == 1;
  const int right_together = product->right_row == 1 || product->right_column == 1;
  product->small = SMALL_KERNELS && !lookup && left_together && right_together && product->n >= LEAST_SMALL_COLUMNS && product->n <= MOST_SMALL_COLUMNS &&
                   product->k <= MOST_SMALL_TERMS;
  if (product->turned || product->dots || product->few || product->thin || product->small) return;
  const int by_rows = product->left_column == 1;
  const int64_t apart = by_rows ? product->left_row : product->left_column;
  const int collides = apart % COLLIDING_STEP == 0;
  product->large = !lookup && product->m >= BLOCK_ROWS && product->n >= (collides && !by_rows ? LEAST_COLUMNS : BLOCK_COLUMNS) &&
                   product->k >= (product->m >= MANY_ROWS ? LEAST_SUM : BLOCK_SUM) && product->k * product->n >= BLOCK_RIGHT;
  if (product->large) {
    product->in_place = (by_rows || (product->left_row == 1 && product->n < COPY_COLUMNS)) && apart >= 0 && !collides;
    return;
  }
  product->by_columns = lookup ? product->flags & LOOKUP_COLUMNS : product->left_row == 1 && product->left_column != 1 && product->m > 1;
  product->by_numbers = lookup && product->segment == 1;
  if (lookup) {
    product->left_row = product->by_columns && !product->by_numbers;
    product->table_row = product->by_columns ? product->by_numbers : product->taps;
    product->table_term = product->by_columns ? product->taps : 1;
  } else {
    product->table_row = 0;
  }
  product->copied = product->right_column != 1 ||
                    (product->m >= COPY_TILES * most_rows[MOST_VECTORS] && (product->right_row >= FAR_ROWS || product->right_row <= -FAR_ROWS));
  divide(product);
  product->base = 0;
  if (lookup) return;
  product->table = NULL;
  const int64_t step = product->by_columns ? product->left_column : product->left_row;
  const int64_t count = product->by_columns ? product->terms : least(product->m, MOST_ROWS);
  if (step < 0) product->base = (count - 1) * step;
  for (int64_t i = 0; i < count; i++) product->offsets[i] = (int32_t)(i * step - product->base);
}

/** One column is taken as one row of the transposed product: whole vectors of results, where it can be. */
static int stand(Product *product) {
  if (product->table || product->n > 1 || product->m == 1 || product->out_row != 1) return 0;
  if (product->left_row != 1 && product->left_column != 1) return 0;
  const Product column = *product;
  product->m = 1, product->n = column.m;
  product->left_row = column.right_column, product->left_column = column.right_row;
  product->right_row = column.left_column, product->right_column = column.left_row;
  product->added_row = column.added_column, product->added_column = column.added_row;
  return 1;
}

/** What one part takes: of all places of the batch together, each of which has so many pieces, of rows or of columns. */
typedef struct {
  int by_columns;
  int64_t pieces, size;
  int64_t begin, end;
} Share;

/** Whole places where they divide well; or else rows, unless they are few or turned around, since every part then goes over all the columns: panels as wide as before, or there are more of those. */
static Share share_of(const Product *product, int64_t places, Part part) {
  Share share = {0, 1, product->m, 0, 1};
  if (part.of > 1 && places % part.of != 0 && places < EVEN_PLACES * part.of) {
    const int64_t width = product->dots ? DOT_COLUMNS : WIDTH, columns = parts(product->n, width);
    const int64_t enough = product->dots ? part.of : most(part.of, least(MOST_VECTORS * part.of, product->m));
    share.by_columns = (product->turned || product->m < FEW_ROWS * part.of) && columns >= enough;
    share.size = share.by_columns ? width : 1;
    share.pieces = share.by_columns ? columns : product->m;
  }
  share.begin = begin_of(part, places * share.pieces), share.end = end_of(part, places * share.pieces);
  return share;
}

/** What is in a share of a place. */
static void run_place(const Product *product, const Share *share, int64_t begin, const float *left, const float *right, float *out, const float *added) {
  const int64_t from = most(share->begin - begin, 0), to = least(share->end - begin, share->pieces);
  if (from >= to) return;
  if (to - from == share->pieces) {
    run_matrices(product, left, right, out, added);
    return;
  }
  Product some = *product;
  if (share->by_columns) {
    const int64_t column = from * share->size;
    some.n = least(to * share->size, product->n) - column;
    run_matrices(&some, left, right + column * product->right_column, out + column, added ? added + column * product->added_column : NULL);
  } else {
    some.first = from * share->size, some.m = least(to * share->size, product->m);
    run_matrices(&some, left, right, out, added);
  }
}

/** @param pieces those of the places inside; places that write where others do have the same ones @param begin the first of them */
static void run_batch(const Product *product, const Share *share, const int32_t *axis, const int32_t *end, int64_t pieces, int64_t begin, const float *left, const float *right, float *out, const float *added) {
  if (begin >= share->end || begin + pieces <= share->begin) return;
  if (axis == end) {
    run_place(product, share, begin, left, right, out, added);
    return;
  }
  const int64_t inside = axis[3] ? pieces / axis[0] : pieces, step = axis[3] ? inside : 0;
  for (int64_t i = 0; i < axis[0]; i++)
    run_batch(product, share, axis + 5, end, inside, begin + i * step, left + i * axis[product->left_axis], right + i * axis[product->right_axis], out + i * axis[3], added ? added + i * axis[4] : NULL);
}

int run_product(const int32_t *words, Memory memory, Part part) {
  const int32_t *w = words + 2;
  Product product;
  product.flags = w[0];
  product.first = 0, product.m = w[1], product.n = w[2], product.k = w[3];
  product.alpha = float_of(w[4]), product.beta = float_of(w[5]);
  product.left_row = w[7], product.left_column = w[8];
  product.right_row = w[10], product.right_column = w[11];
  product.out_row = w[13];
  product.added_row = w[15], product.added_column = w[16];
  product.table = product.flags & (LOOKUP_ROWS | LOOKUP_COLUMNS) ? (const int32_t *)(const void *)(at(memory, w[17])) : NULL;
  product.taps = w[18], product.segment = w[19];
  const int32_t *axes = w + 21, *end = axes + 5 * w[20];
  const int stands = stand(&product);
  product.left_axis = stands ? 2 : 1;
  product.right_axis = stands ? 1 : 2;
  product.left_following = product.right_following = (Following){0, 0};
  if (end > axes && !product.table) {
    product.left_following = following_of(product.m, product.k, product.left_row, product.left_column, end[product.left_axis - 5]);
    product.right_following = following_of(product.k, product.n, product.right_row, product.right_column, end[product.right_axis - 5]);
  }
  choose_ways(&product);
  int64_t places = 1;
  for (const int32_t *axis = axes; axis < end; axis += 5)
    if (axis[3]) places *= axis[0];
  const Share share = share_of(&product, places, part);
  run_batch(&product, &share, axes, end, places * share.pieces, 0, at(memory, w[stands ? 9 : 6]), at(memory, w[stands ? 6 : 9]), at(memory, w[12]), product.flags & ADDED ? at(memory, w[14]) : NULL);
  return DONE;
}
