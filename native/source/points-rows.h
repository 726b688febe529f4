// Tiles of one row (points.h), which go through one matrix. Those of plan/at-points/toom.ts, which nearly all of them have, are known to the compiler here: it leaves out
// what is zeros, and does not multiply by one.
#ifndef INNERLOOP_POINTS_ROWS_H
#define INNERLOOP_POINTS_ROWS_H

#include "points-tiles.h"

static const float row_field_4[] = {0, -1, 0, 1, -1, 0, 1, 0, 0, 1, 1, 0, 0, -1, 1, 0};
static const float row_field_5[] = {0, 2, -1, -2, 1, 2, -1, -2, 1, 0, 0, -2, -1, 1, 0, 0, 2, -3, 1, 0, 0, -1, 0, 1, 0};
static const float row_field_6[] = {0, 1, 1.5f, -2, -1.5f, 1, 1, 1.5f, -2, -1.5f, 1, 0, 0, -1, -2.5f, -0.5f, 1, 0, 0, 1, 0.5f, -2.5f, 1, 0, 0, -0.5f, -1, 0.5f, 1, 0, 0, 2, -1, -2, 1, 0};
static const float row_taps_6[] = {0, 0, 1, 1, 0, 0, 1, 1, 1, 1, -1, 1, 1, 2, 4, 1, -0.5f, 0.25f};
static const float row_turned_taps_6[] = {1, 0, 0, 0, 0, 1, 1, 1, 1, 1, -1, 1, 4, 2, 1, 0.25f, -0.5f, 1};
static const float row_middle_6[] = {0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, -1, 1, 0, 2};
static const float row_middle_5[] = {0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, -1};
static const float row_middle_whole[] = {0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1, -1, 0, 1};
static const float row_taps_5[] = {0, 1, 1, 0, 1, 1, 1, -1, 1, 2};
static const float row_turned_taps_5[] = {1, 0, 0, 1, 1, 1, -1, 1, 2, 1};
static const float row_gives_4[] = {0, -1, 0.5f, 0.5f, 0, 0, 0.5f, -0.5f, 1, 0, 0.5f, 0.5f};
static const float row_gives_5[] = {0, 0.5f, -0.5f, -1.0f / 6, 1.0f / 6, 0, 0, -0.5f, 1.0f / 6, 1.0f / 3, 0, 0, -0.5f, -1.0f / 6, 2.0f / 3, 1, 0, -0.5f, 1.0f / 6, 4.0f / 3};
static const float row_gives_6[] = {0, 1, -1.0f / 3, 1.0f / 3, 1.0f / 15, -16.0f / 15, 0, 0, -1.0f / 3, -1.0f / 3, 2.0f / 15, 8.0f / 15, 0, 0, -1.0f / 3, 1.0f / 3, 4.0f / 15, -4.0f / 15, 1, 0, -1.0f / 3, -1.0f / 3, 8.0f / 15, 2.0f / 15};
static const float row_given_4[] = {0, 0, 1, -1, 0, 0, 0.5f, 0.5f, 0.5f, 0.5f, -0.5f, 0.5f};
static const float row_given_5[] = {0, 0, 0, 1, 0.5f, 0, 0, 0, -0.5f, -0.5f, -0.5f, -0.5f, -1.0f / 6, 1.0f / 6, -1.0f / 6, 1.0f / 6, 1.0f / 6, 1.0f / 3, 2.0f / 3, 4.0f / 3};
static const float row_given_6[] = {0, 0, 0, 1, 1, 0, 0, 0, -1.0f / 3, -1.0f / 3, -1.0f / 3, -1.0f / 3, 1.0f / 3, -1.0f / 3, 1.0f / 3, -1.0f / 3, 1.0f / 15, 2.0f / 15, 4.0f / 15, 8.0f / 15, -16.0f / 15, 8.0f / 15, -4.0f / 15, 2.0f / 15};
static const float row_whole_field[] = {0, 0, 1, 1, 0, 0, 1, 1, 1, 1, -1, 1};
static const float row_whole_gives[] = {0, 1, 0, 0, -1, 0, 0.5f, -0.5f, 0, -1, 0.5f, 0.5f, 1, 0, 0, 0};
static const float row_whole_given[] = {0, -1, 0, 1, 1, 0, -1, 0, 0, 0.5f, 0.5f, 0, 0, -0.5f, 0.5f, 0};
static const float row_back_6[] = {0, 1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -0.5f, 1, 0, 1, 1, 4, 0.25f};
static const float row_back_middle_6[] = {0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, -1, 2};
static const float row_back_middle_5[] = {0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1, -1};
static const float row_back_middle_whole[] = {0, 1, 0, 1, -1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1};
static const float row_field_8[] = {0, -1, 0, 5.25f, 0, -5.25f, 0, 1, -1, 0, 5.25f, 0, -5.25f, 0, 1, 0, 0, 1, 1, -4.25f, -4.25f, 1, 1, 0, 0, -1, 1, 4.25f, -4.25f, -1, 1, 0, 0, 0.5f, 0.25f, -2.5f, -1.25f, 2, 1, 0, 0, -2, 4, 2.5f, -5, -0.5f, 1, 0, 0, -0.5f, 0.25f, 2.5f, -1.25f, -2, 1, 0, 0, 2, 4, -2.5f, -5, 0.5f, 1, 0};
static const float row_gives_8[] = {0, -1, -2.0f / 9, -2.0f / 9, 1.0f / 90, 32.0f / 45, 1.0f / 90, 32.0f / 45, 0, 0, -2.0f / 9, 2.0f / 9, 1.0f / 45, -16.0f / 45, -1.0f / 45, 16.0f / 45, 0, 0, -2.0f / 9, -2.0f / 9, 2.0f / 45, 8.0f / 45, 2.0f / 45, 8.0f / 45, 0, 0, -2.0f / 9, 2.0f / 9, 4.0f / 45, -4.0f / 45, -4.0f / 45, 4.0f / 45, 0, 0, -2.0f / 9, -2.0f / 9, 8.0f / 45, 2.0f / 45, 8.0f / 45, 2.0f / 45, 0, 0, -2.0f / 9, 2.0f / 9, 16.0f / 45, -1.0f / 45, -16.0f / 45, 1.0f / 45, 1, 0, -2.0f / 9, -2.0f / 9, 32.0f / 45, 1.0f / 90, 32.0f / 45, 1.0f / 90};
static const float row_given_8[] = {0, 0, 0, 0, 0, 0, 1, -1, 0, 0, 0, 0, 0, 0, -2.0f / 9, -2.0f / 9, -2.0f / 9, -2.0f / 9, -2.0f / 9, -2.0f / 9, -2.0f / 9, -2.0f / 9, 2.0f / 9, -2.0f / 9, 2.0f / 9, -2.0f / 9, 2.0f / 9, -2.0f / 9, 1.0f / 90, 1.0f / 45, 2.0f / 45, 4.0f / 45, 8.0f / 45, 16.0f / 45, 32.0f / 45, 32.0f / 45, -16.0f / 45, 8.0f / 45, -4.0f / 45, 2.0f / 45, -1.0f / 45, 1.0f / 90, 1.0f / 90, -1.0f / 45, 2.0f / 45, -4.0f / 45, 8.0f / 45, -16.0f / 45, 32.0f / 45, 32.0f / 45, 16.0f / 45, 8.0f / 45, 4.0f / 45, 2.0f / 45, 1.0f / 45, 1.0f / 90};
static const float row_taps_8[] = {0, 1, 1, 0, 1, 1, 1, -1, 1, 2, 1, -0.5f, 1, -2, 1, 0.5f};
static const float row_turned_taps_8[] = {1, 0, 0, 1, 1, 1, -1, 1, 2, 1, -0.5f, 1, -2, 1, 0.5f, 1};
static const float row_middle_9[] = {0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, -1, 1, 0, 2, 1, 0, -0.5f, 1, 0, -2, 1, 0, 0.5f};
static const float row_sides_8[] = {0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, -1, 1, 0, 2, 1, 0, -0.5f, 1, 0, -2, 1, 0, 0.5f};
static const float row_sides_whole[] = {1, 0, 0, 0, 0, 1, 1, 0, 1, -1, 0, 1};
static const float row_back_middle_9[] = {0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, -1, 2, -0.5f, -2, 0.5f};
static const float row_back_sides_8[] = {0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, -1, 2, -0.5f, -2, 0.5f};
static const float row_back_sides_whole[] = {1, 0, 1, -1, 0, 0, 0, 0, 0, 1, 1, 1};

/** Channels from `begin` to `end` of a tile, by its one matrix and a factor. What is outside is zeros, or written nowhere. Sizes are known where sums are to be registers. */
INLINE void row_by(const int to_points, const int in, const int out, const int known, const float *matrix, float times, const Points *p, const Tile *tile,
                   int64_t begin, int64_t end) {
  const int64_t from_step = to_points ? p->field_column : p->values_point, to_step = to_points ? p->values_point : p->field_column;
  const float *from = to_points ? tile->field : tile->values;
  float *to = to_points ? tile->values : tile->field;
  const vector factor = spread(times);
  const int adds = p->adds;
  const int64_t most = tile->top < tile->bottom ? (to_points ? in : out) : 0;
  const int64_t left = tile->left, right = tile->right < most ? tile->right : most;
  for (int64_t c = begin; c < end; c += WIDTH) {
    vector numbers[MOST_SIDE], sums[MOST_SIDE];
    UNROLLED
    for (int i = 0; i < in; i++) numbers[i] = !to_points || (i >= left && i < right) ? load(from + i * from_step + c) : (vector){0};
    by_matrix(in, out, known, matrix, numbers, sums);
    const int lanes = end - c < WIDTH ? (int)(end - c) : WIDTH, plain = is_plain(lanes, adds);
    UNROLLED
    for (int o = 0; o < out; o++)
      if (to_points || (o >= left && o < right)) put(to + o * to_step + c, sums[o] * factor, plain, lanes, adds);
  }
}

/** To points (1) or to places (0), of so many numbers so many others, by which matrix. */
#define ROWS_KNOWN(each) \
  each(1, 4, 4, row_field_4) each(1, 5, 5, row_field_5) each(1, 6, 6, row_field_6) each(1, 3, 6, row_taps_6) each(1, 3, 6, row_turned_taps_6) \
  each(1, 3, 6, row_middle_6) each(1, 3, 5, row_middle_5) each(1, 3, 5, row_middle_whole) each(1, 2, 5, row_taps_5) each(1, 2, 5, row_turned_taps_5) \
  each(0, 4, 3, row_gives_4) each(0, 5, 4, row_gives_5) each(0, 6, 4, row_gives_6) each(1, 3, 4, row_given_4) each(1, 4, 5, row_given_5) \
  each(1, 4, 6, row_given_6) each(1, 3, 4, row_whole_field) each(0, 4, 4, row_whole_gives) each(1, 4, 4, row_whole_given) each(0, 6, 3, row_back_6) \
  each(0, 6, 3, row_back_middle_6) each(0, 5, 3, row_back_middle_5) each(0, 5, 3, row_back_middle_whole) \
  each(1, 8, 8, row_field_8) each(0, 8, 7, row_gives_8) each(1, 7, 8, row_given_8) each(1, 2, 8, row_taps_8) each(1, 2, 8, row_turned_taps_8) \
  each(1, 3, 9, row_middle_9) each(1, 3, 8, row_sides_8) each(1, 3, 4, row_sides_whole) each(0, 9, 3, row_back_middle_9) each(0, 8, 3, row_back_sides_8) each(0, 4, 3, row_back_sides_whole)

typedef void (*RowBy)(float factor, const Points *p, const Tile *tile, int64_t begin, int64_t end);

#define ROW_BY(name, to_points, in, out, known, matrix) \
  static void name(float factor, const Points *p, const Tile *tile, int64_t begin, int64_t end) { \
    row_by(to_points, in, out, known, matrix, factor, p, tile, begin, end); \
  }
#define ROW_OF(in, out) ROW_BY(row_##in##_##out, p->what == TO_POINTS, in, out, 0, p->across)
#define ROW_KNOWN(to_points, in, out, matrix) ROW_BY(by_##matrix, to_points, in, out, 1, matrix)

/** Sizes that nearly all others have. */
#define ROWS_OF(each) \
  each(6, 6) each(5, 5) each(4, 4) each(7, 8) each(8, 7) each(8, 4) each(3, 6) each(3, 5) each(3, 4) each(6, 4) each(5, 4) each(5, 3) each(4, 3)

ROWS_KNOWN(ROW_KNOWN)
ROWS_OF(ROW_OF)
static void row_any(float factor, const Points *p, const Tile *tile, int64_t begin, int64_t end) {
  const int to_points = p->what == TO_POINTS, in = to_points ? p->width : p->points_across, out = to_points ? p->points_across : p->width;
  row_by(to_points, in, out, 0, p->across, factor, p, tile, begin, end);
}

/** How tiles of one row are best taken. @param factor gets what all sums are multiplied by: where the matrix is one of those known times a number, that too */
static inline RowBy rows_by(const Points *p, float *factor) {
  const int to_points = p->what == TO_POINTS, in = to_points ? p->width : p->points_across, out = to_points ? p->points_across : p->width;
  *factor = *p->down;
#define IF_ROW_KNOWN(to_points_, in_, out_, matrix) \
  if (to_points == to_points_ && in == in_ && out == out_) { \
    const float times = times_of(p->across, matrix, in_ * out_); \
    if (times != 0) { \
      *factor = times * *p->down; \
      return by_##matrix; \
    } \
  }
#define IF_ROW_OF(in_, out_) \
  if (in == in_ && out == out_) return row_##in_##_##out_;
  ROWS_KNOWN(IF_ROW_KNOWN)
  ROWS_OF(IF_ROW_OF)
  return row_any;
}

#endif
