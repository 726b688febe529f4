// What an instruction of points says (words.md).
#ifndef INNERLOOP_POINTS_H
#define INNERLOOP_POINTS_H

#include <stdint.h>

#include "kernels.h"

/** Rows or columns that a tile has at most, at places and at points. */
#define MOST_SIDE 12

/** Words of an instruction. */
#define POINTS_WORDS 31

/** What is written, and whether it is added to what lies there. */
/** How places along an axis of the field are apart: every second one, and odd ones from the even ones before them. Planes have those of one parity each. */
typedef struct {
  int64_t second, odd;
  /** Whether each parity is a plane of its own. */
  int planes;
} Apart;

enum { TO_POINTS = 0, TO_PLACES = 1, ADDING = 2 };

typedef struct {
  int what, adds;
  int64_t examples, channels, rows, columns, step_row, step_column, first_row, first_column, in_rows, in_columns;
  /** Rows and columns of a tile, at places and at points. */
  int height, width, points_down, points_across;
  float *field;
  int64_t field_example, field_row, field_column, field_channel;
  /** Of the field, and of tiles from where they begin. */
  Apart rows_apart, columns_apart, tile_rows, tile_columns;
  float *values;
  int64_t values_point, values_example, values_row, values_column;
  /** A row for each number that comes out, of those that go in. */
  const float *down, *across;
} Points;

/** How far a place is from the first one. */
static inline int64_t place_at(const Apart *apart, int64_t i) { return (i >> 1) * apart->second + (i & 1) * apart->odd; }

static inline Apart apart_by(int64_t stride, int64_t odd) { return odd ? (Apart){stride, odd, 1} : (Apart){2 * stride, stride, 0}; }

/** The same from a place on; all tiles begin in the same plane. */
static inline Apart apart_from(Apart apart, int64_t first) {
  if (apart.planes && (first & 1)) apart.odd = apart.second - apart.odd;
  return apart;
}

static inline void read_points(const int32_t *words, Memory memory, Points *p) {
  p->what = words[2] & TO_PLACES, p->adds = (words[2] & ADDING) != 0;
  p->examples = words[3], p->channels = words[4], p->rows = words[5], p->columns = words[6];
  p->step_row = words[7], p->step_column = words[8], p->first_row = words[9], p->first_column = words[10];
  p->in_rows = words[11], p->in_columns = words[12];
  p->height = words[13], p->width = words[14], p->points_down = words[15], p->points_across = words[16];
  p->field = at(memory, words[17]);
  p->field_example = words[18], p->field_row = words[19], p->field_column = words[20], p->field_channel = words[21];
  p->values = at(memory, words[22]);
  p->values_point = words[23], p->values_example = words[24], p->values_row = words[25], p->values_column = words[26];
  p->down = at(memory, words[27]), p->across = at(memory, words[28]);
  p->rows_apart = apart_by(words[19], words[29]), p->columns_apart = apart_by(words[20], words[30]);
  p->tile_rows = apart_from(p->rows_apart, p->first_row), p->tile_columns = apart_from(p->columns_apart, p->first_column);
}

#endif
