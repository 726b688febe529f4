// Tiles of pictures, brought to points and back: rows by one small matrix, columns by another. A vector is some channels of one place.
#include "points.h"

#include "kernels.h"
#include "vectors.h"

typedef vector Square[MOST_SIDE][MOST_SIDE];

/** Some numbers, `apart` vectors from each other, by a matrix. How many go in and come out is known where sums are to be registers. */
INLINE void multiply(const int in, const int out, const float *matrix, const vector *from, int apart, vector *to, int to_apart) {
  vector sums[MOST_SIDE];
  UNROLLED
  for (int o = 0; o < out; o++) sums[o] = spread(matrix[o * in]) * from[0];
  UNROLLED
  for (int i = 1; i < in; i++) {
    const vector number = from[i * apart];
    UNROLLED
    for (int o = 0; o < out; o++) sums[o] += spread(matrix[o * in + i]) * number;
  }
  UNROLLED
  for (int o = 0; o < out; o++) to[o * to_apart] = sums[o];
}

/** A square of `rows` and `columns` by both matrices, each of which gives so many. */
INLINE void transform(const int rows, const int columns, const int down, const int across, const Points *p, Square from, Square to) {
  Square half;
  for (int i = 0; i < rows; i++) multiply(columns, across, p->across, from[i], 1, half[i], 1);
  for (int j = 0; j < across; j++) multiply(rows, down, p->down, half[0] + j, MOST_SIDE, to[0] + j, MOST_SIDE);
}

#define IS(rows_, columns_, down_, across_) (rows == rows_ && columns == columns_ && down == down_ && across == across_)

/** The sizes that nearly all have are known to the compiler. */
static void by_matrices(const Points *p, int rows, int columns, int down, int across, Square from, Square to) {
  if IS(6, 6, 6, 6) transform(6, 6, 6, 6, p, from, to);
  else if IS(4, 4, 6, 6) transform(4, 4, 6, 6, p, from, to);
  else if IS(4, 4, 4, 4) transform(4, 4, 4, 4, p, from, to);
  else if IS(2, 2, 4, 4) transform(2, 2, 4, 4, p, from, to);
  else if IS(6, 6, 4, 4) transform(6, 6, 4, 4, p, from, to);
  else if IS(4, 4, 2, 2) transform(4, 4, 2, 2, p, from, to);
  else if IS(6, 6, 3, 3) transform(6, 6, 3, 3, p, from, to);
  else if IS(4, 4, 3, 3) transform(4, 4, 3, 3, p, from, to);
  else transform(rows, columns, down, across, p, from, to);
}

/** Of a tile: its place in the field, what of it lies there, and its values. */
typedef struct {
  float *field, *values;
  int64_t top, bottom, left, right;
} Tile;

INLINE void put(float *to, vector numbers, int lanes) {
  if (lanes == WIDTH) store(to, numbers);
  else store_first(to, numbers, lanes);
}

/** Of some channels of a tile. What is outside of the field is zeros. */
static void to_points(const Points *p, const Tile *tile, int64_t c, int lanes) {
  Square from, to;
  const float *field = tile->field + c;
  float *values = tile->values + c;
  for (int i = 0; i < p->height; i++)
    for (int j = 0; j < p->width; j++) {
      const int inside = i >= tile->top && i < tile->bottom && j >= tile->left && j < tile->right;
      from[i][j] = inside ? load(field + i * p->field_row + j * p->field_column) : (vector){0};
    }
  by_matrices(p, p->height, p->width, p->points_down, p->points_across, from, to);
  for (int i = 0; i < p->points_down; i++)
    for (int j = 0; j < p->points_across; j++, values += p->values_point) put(values, to[i][j], lanes);
}

/** What is outside of the field is written nowhere. */
static void to_places(const Points *p, const Tile *tile, int64_t c, int lanes) {
  Square from, to;
  const float *values = tile->values + c;
  float *field = tile->field + c * p->field_channel;
  for (int i = 0; i < p->points_down; i++)
    for (int j = 0; j < p->points_across; j++, values += p->values_point) from[i][j] = load(values);
  by_matrices(p, p->points_down, p->points_across, p->height, p->width, from, to);
  if (p->field_channel == 1) {
    for (int i = (int)tile->top; i < tile->bottom; i++)
      for (int j = (int)tile->left; j < tile->right; j++) put(field + i * p->field_row + j * p->field_column, to[i][j], lanes);
    return;
  }
  for (int lane = 0; lane < lanes; lane++, field += p->field_channel)
    for (int i = (int)tile->top; i < tile->bottom; i++)
      for (int j = (int)tile->left; j < tile->right; j++) field[i * p->field_row + j * p->field_column] = ((const float *)&to[i][j])[lane];
}

static int64_t clamped(int64_t x, int64_t size) { return x < 0 ? 0 : x > size ? size : x; }

static Tile tile_at(const Points *p, int64_t i) {
  // Examples inside: their values lie side by side.
  const int64_t example = i % p->examples, column = i / p->examples % p->columns, row = i / p->examples / p->columns;
  const int64_t y = row * p->step_row + p->first_row, x = column * p->step_column + p->first_column;
  return (Tile){
      p->field + example * p->field_example + y * p->field_row + x * p->field_column,
      p->values + example * p->values_example + row * p->values_row + column * p->values_column,
      clamped(-y, p->height), clamped(p->in_rows - y, p->height), clamped(-x, p->width), clamped(p->in_columns - x, p->width),
  };
}

int run_points(const int32_t *words, float *memory, Part part) {
  Points p;
  read_points(words, memory, &p);
  const int64_t vectors = (p.channels + WIDTH - 1) / WIDTH, all = p.rows * p.columns * p.examples * vectors;
  int64_t i = begin_of(part, all);
  for (const int64_t end = end_of(part, all); i < end;) {
    const Tile tile = tile_at(&p, i / vectors);
    const int64_t first = i % vectors, last = vectors - first < end - i ? vectors : first + end - i;
    for (int64_t v = first; v < last; v++) {
      const int64_t c = v * WIDTH;
      const int lanes = p.channels - c < WIDTH ? (int)(p.channels - c) : WIDTH;
      if (p.what == TO_POINTS) to_points(&p, &tile, c, lanes);
      else to_places(&p, &tile, c, lanes);
    }
    i += last - first;
  }
  return DONE;
}
