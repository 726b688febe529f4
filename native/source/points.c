// Tiles of pictures, brought to points and back: rows by one small matrix, columns by another. A vector is some channels of one place.
#include "points.h"

#include "kernels.h"
#include "points-rows.h"
#include "points-tiles.h"
#include "vectors.h"

/** To places whose channels lie apart, vector by vector. */
static void to_apart(TileBy take, Matrices by, const Points *p, const Tile *tile, int64_t begin, int64_t end) {
  float room[MOST_SIDE * MOST_SIDE * WIDTH];
  Points beside = *p;
  beside.tile_rows = apart_by(p->width * WIDTH, 0), beside.tile_columns = apart_by(WIDTH, 0), beside.adds = 0;
  for (int64_t c = begin; c < end; c += WIDTH) {
    const int lanes = end - c < WIDTH ? (int)(end - c) : WIDTH;
    Tile here = *tile;
    here.field = room, here.values += c;
    take(by, &beside, &here, 0, WIDTH);
    for (int lane = 0; lane < lanes; lane++)
      for (int64_t i = tile->top; i < tile->bottom; i++)
        for (int64_t j = tile->left; j < tile->right; j++) {
          float *place = tile->field + (c + lane) * p->field_channel + place_at(&p->tile_rows, i) + place_at(&p->tile_columns, j);
          *place = room[(i * p->width + j) * WIDTH + lane] + (p->adds ? *place : 0);
        }
  }
}

static int64_t clamped(int64_t x, int64_t size) { return x < 0 ? 0 : x > size ? size : x; }

/** Which tile it is, of which example. */
typedef struct {
  int64_t example, row, column;
} Which;

/** Examples go inside where their values lie side by side. */
static int examples_inside(const Points *p) { return p->values_example <= p->values_column || p->examples == 1; }

static Which which_at(const Points *p, int64_t i) {
  if (examples_inside(p)) return (Which){i % p->examples, i / p->examples / p->columns, i / p->examples % p->columns};
  return (Which){i / p->columns / p->rows, i / p->columns % p->rows, i % p->columns};
}

static Which next_of(const Points *p, Which which) {
  if (examples_inside(p)) {
    if (++which.example < p->examples) return which;
    which.example = 0;
    if (++which.column < p->columns) return which;
    return (Which){0, which.row + 1, 0};
  }
  if (++which.column < p->columns) return which;
  which.column = 0;
  if (++which.row < p->rows) return which;
  return (Which){which.example + 1, 0, 0};
}

static Tile tile_of(const Points *p, Which which) {
  const int64_t y = which.row * p->step_row + p->first_row, x = which.column * p->step_column + p->first_column;
  return (Tile){
      p->field + which.example * p->field_example + place_at(&p->rows_apart, y) + place_at(&p->columns_apart, x),
      p->values + which.example * p->values_example + which.row * p->values_row + which.column * p->values_column,
      clamped(-y, p->height), clamped(p->in_rows - y, p->height), clamped(-x, p->width), clamped(p->in_columns - x, p->width),
  };
}

int run_points(const int32_t *words, Memory memory, Part part) {
  Points p;
  read_points(words, memory, &p);
  const int64_t vectors = (p.channels + WIDTH - 1) / WIDTH, tiles = p.rows * p.columns * p.examples;
  // Where tiles are added they may lie over each other: a part has some vectors of all of them then.
  const int64_t all = p.adds ? vectors : tiles * vectors, begin = begin_of(part, all), end = end_of(part, all);
  int64_t tile_at = p.adds ? 0 : begin / vectors;
  const int64_t tiles_end = p.adds ? tiles : (end + vectors - 1) / vectors;
  Which which = which_at(&p, tile_at);
  const int one_row = p.height == 1 && p.points_down == 1 && p.field_channel == 1 && !p.columns_apart.planes;
  float factor = 1;
  const RowBy row = one_row ? rows_by(&p, &factor) : 0;
  Matrices by = {p.down, p.across, 1};
  const TileBy take = tiles_by(&p, &by);
  for (; begin < end && tile_at < tiles_end; tile_at++, which = next_of(&p, which)) {
    const Tile tile = tile_of(&p, which);
    const int64_t before = p.adds ? 0 : tile_at * vectors;
    const int64_t first = begin > before ? begin - before : 0, last = end - before < vectors ? end - before : vectors;
    const int64_t from = first * WIDTH, to = last == vectors ? p.channels : last * WIDTH;
    if (row) row(factor, &p, &tile, from, to);
    else if (p.field_channel == 1) take(by, &p, &tile, from, to);
    else to_apart(take, by, &p, &tile, from, to);
  }
  return DONE;
}
