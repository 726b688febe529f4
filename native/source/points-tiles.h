// Tiles of points (points.h) whose numbers go through two small matrices, rows by one and columns by the other, in registers.
#ifndef INNERLOOP_POINTS_TILES_H
#define INNERLOOP_POINTS_TILES_H

#include "points.h"
#include "vectors.h"

/** Of a tile: its place in the field, what of it lies there, and its values. */
typedef struct {
  float *field, *values;
  int64_t top, bottom, left, right;
} Tile;

/** As nearly always: all of a vector, and not added to what lies there. */
INLINE int is_plain(int lanes, int adds) { return lanes == WIDTH && !adds; }

INLINE void put(float *to, vector numbers, int plain, int lanes, int adds) {
  if (plain) store(to, numbers);
  else store_first(to, adds ? numbers + load(to) : numbers, lanes);
}

/** The matrices of windowed(2, 3) in plan/toom.ts, and the same turned around: half of what they have is zeros, and nearly all the rest ones. */
static const float field_4[] = {0, -1, 0, 1, -1, 0, 1, 0, 0, 1, 1, 0, 0, -1, 1, 0};
static const float turned_field_4[] = {0, -1, 0, 0, -1, 0, 1, -1, 0, 1, 1, 1, 1, 0, 0, 0};
static const float taps_4[] = {0, 0, 1, 1, 0, 0, 1, 1, 1, 1, -1, 1};
static const float turned_taps_4[] = {0, 1, 1, 1, 0, 0, 1, -1, 1, 0, 1, 1};
static const float gives_4[] = {0, -1, 0.5f, 0.5f, 1, 0, 0.5f, -0.5f};
static const float turned_gives_4[] = {0, 1, -1, 0, 0.5f, 0.5f, 0.5f, -0.5f};

/** Numbers by a row of a matrix that the compiler knows: it leaves out what is zeros, and does not multiply by one. */
INLINE vector known_sum(const int in, const float *row, const vector *numbers) {
  int begun = 0;
  vector sum = {0};
  UNROLLED
  for (int i = 0; i < in; i++) {
    if (row[i] == 0) continue;
    if (!begun) sum = row[i] == 1 ? numbers[i] : spread(row[i]) * numbers[i];
    else if (row[i] == 1) sum += numbers[i];
    else if (row[i] == -1) sum -= numbers[i];
    else sum += spread(row[i]) * numbers[i];
    begun = 1;
  }
  return sum;
}

/** Numbers by a matrix. */
INLINE void by_matrix(const int in, const int out, const int known, const float *matrix, const vector *from, vector *to) {
  UNROLLED
  for (int o = 0; o < out; o++) to[o] = known ? known_sum(in, matrix + o * in, from) : (vector){0};
  if (known) return;
  UNROLLED
  for (int i = 0; i < in; i++) {
    UNROLLED
    for (int o = 0; o < out; o++) to[o] += spread(matrix[o * in + i]) * from[i];
  }
}

/** Both matrices, and a factor where these are such that are known. */
typedef struct {
  const float *down, *across;
  float factor;
} Matrices;

/**
 * Channels from `begin` to `end` of a tile of so many rows and columns, which become `down` and `across`. What is outside of the field is zeros, or written nowhere.
 * Sizes are known where sums are to be registers.
 */
INLINE void tile_by(const int to_points, const int rows, const int columns, const int down, const int across, const int known, Matrices by, const Points *p,
                    const Tile *tile, int64_t begin, int64_t end) {
  const int64_t point = p->values_point;
  const Apart of_rows = p->tile_rows, of_columns = p->tile_columns;
  const float *from = to_points ? tile->field : tile->values;
  float *to = to_points ? tile->values : tile->field;
  const int64_t top = tile->top, bottom = tile->bottom, left = tile->left, right = tile->right;
  const vector factor = spread(by.factor);
  const int adds = p->adds;
  for (int64_t c = begin; c < end; c += WIDTH) {
    const int lanes = end - c < WIDTH ? (int)(end - c) : WIDTH, plain = is_plain(lanes, adds);
    vector half[MOST_SIDE * MOST_SIDE], some[MOST_SIDE], sums[MOST_SIDE];
    UNROLLED
    for (int i = 0; i < rows; i++) {
      UNROLLED
      for (int j = 0; j < columns; j++) {
        const int inside = !to_points || (i >= top && i < bottom && j >= left && j < right);
        const int64_t at = to_points ? place_at(&of_rows, i) + place_at(&of_columns, j) : (i * columns + j) * point;
        some[j] = inside ? load(from + at + c) : (vector){0};
      }
      by_matrix(columns, across, known, by.across, some, sums);
      UNROLLED
      for (int j = 0; j < across; j++) half[j * rows + i] = sums[j];
    }
    UNROLLED
    for (int j = 0; j < across; j++) {
      by_matrix(rows, down, known, by.down, half + j * rows, sums);
      UNROLLED
      for (int i = 0; i < down; i++) {
        const int inside = to_points || (i >= top && i < bottom && j >= left && j < right);
        const int64_t at = to_points ? (i * across + j) * point : place_at(&of_rows, i) + place_at(&of_columns, j);
        if (inside) put(to + at + c, known ? sums[i] * factor : sums[i], plain, lanes, adds);
      }
    }
  }
}

typedef void (*TileBy)(Matrices by, const Points *p, const Tile *tile, int64_t begin, int64_t end);

/** A name of tiles whose sizes the compiler knows, and of such whose matrices it knows too. */
#define TILE_BY(name, to_points, in, out, known, down, across) \
  static void name(Matrices by, const Points *p, const Tile *tile, int64_t begin, int64_t end) { \
    tile_by(to_points, in, in, out, out, known, (Matrices){down, across, by.factor}, p, tile, begin, end); \
  }
#define TILE_OF(to_points, in, out) TILE_BY(tile_##to_points##_##in##_##out, to_points, in, out, 0, by.down, by.across)
#define TILE_KNOWN(to_points, in, out, matrix) TILE_BY(tile_##to_points##_##matrix, to_points, in, out, 1, matrix, matrix)

#define TILES_OF(each) each(1, 6, 6) each(1, 4, 6) each(1, 3, 6) each(1, 4, 4) each(1, 3, 4) each(1, 2, 4) each(1, 4, 8) each(1, 3, 8) each(0, 8, 3) each(0, 6, 4) each(0, 6, 3) each(0, 4, 4) each(0, 4, 3) each(0, 4, 2)
#define TILES_KNOWN(each) \
  each(1, 4, 4, field_4) each(1, 3, 4, taps_4) each(1, 2, 4, turned_gives_4) each(0, 4, 4, turned_field_4) each(0, 4, 3, turned_taps_4) each(0, 4, 2, gives_4)

TILES_OF(TILE_OF)
TILES_KNOWN(TILE_KNOWN)

static void tile_any(Matrices by, const Points *p, const Tile *tile, int64_t begin, int64_t end) {
  const int to_points = p->what == TO_POINTS;
  if (to_points) tile_by(1, p->height, p->width, p->points_down, p->points_across, 0, by, p, tile, begin, end);
  else tile_by(0, p->points_down, p->points_across, p->height, p->width, 0, by, p, tile, begin, end);
}

/** By which factor a matrix is another one; 0 where it is not. */
static inline float times_of(const float *matrix, const float *other, int numbers) {
  int first = 0;
  while (first < numbers - 1 && other[first] == 0) first++;
  const float factor = matrix[first] / other[first];
  for (int i = 0; i < numbers; i++)
    if (matrix[i] != factor * other[i]) return 0;
  return factor;
}

/** How tiles are best taken. */
static inline TileBy tiles_by(const Points *p, Matrices *by) {
  const int to_points = p->what == TO_POINTS, in = to_points ? p->height : p->points_down, out = to_points ? p->points_down : p->height;
  if (p->height != p->width || p->points_down != p->points_across) return tile_any;
#define IF_KNOWN(to_points_, in_, out_, matrix) \
  if (to_points == to_points_ && in == in_ && out == out_) { \
    const float factor = times_of(p->down, matrix, in_ * out_) * times_of(p->across, matrix, in_ * out_); \
    if (factor != 0) { \
      by->factor = factor; \
      return tile_##to_points_##_##matrix; \
    } \
  }
#define IF_OF(to_points_, in_, out_) \
  if (to_points == to_points_ && in == in_ && out == out_) return tile_##to_points_##_##in_##_##out_;
  TILES_KNOWN(IF_KNOWN)
  TILES_OF(IF_OF)
  return tile_any;
}

#endif
