// Sums, largest and smallest of blocks: along rows in lanes that come together at the end, across rows number by number.
#include "reduce.h"

#include <math.h>

#include "copy.h"
#include "lanes.h"

void begin_reduction(int how, int rank, const int32_t *sizes, float *to, const int32_t *strides) {
  static const float beginnings[] = {0, 0, -INFINITY, INFINITY};
  const int32_t still[MOST_AXES] = {0};
  int32_t kept[MOST_AXES];
  for (int axis = 0; axis < rank; axis++) kept[axis] = strides[axis] == 0 ? 1 : sizes[axis];
  copy_numbers(rank, kept, to, strides, beginnings + how, still);
}

INLINE vector taken(int how, vector a, vector b) { return how == SUM ? a + b : how == MAX ? larger(a, b) : smaller(a, b); }

INLINE vector beginning(int how) { return how == SUM ? (vector){0} : spread(how == MAX ? -INFINITY : INFINITY); }

INLINE float over_lanes(int how, vector a) { return how == SUM ? sum_of(a) : how == MAX ? largest_of(a) : smallest_of(a); }

/** One number of a row. */
INLINE float of_row(int how, const float *from, int64_t count) {
  vector a = beginning(how);
  int64_t i = 0;
  if (count >= 4 * WIDTH) {
    vector b = a, c = a, d = a;
    for (; i + 4 * WIDTH <= count; i += 4 * WIDTH) {
      a = taken(how, a, load(from + i));
      b = taken(how, b, load(from + i + WIDTH));
      c = taken(how, c, load(from + i + 2 * WIDTH));
      d = taken(how, d, load(from + i + 3 * WIDTH));
    }
    a = taken(how, taken(how, a, b), taken(how, c, d));
  }
  for (; i + WIDTH <= count; i += WIDTH) a = taken(how, a, load(from + i));
  if (i < count) a = taken(how, a, first_lanes(load(from + i), (int)(count - i), beginning(how)));
  return over_lanes(how, a);
}

/** Up to a vector of columns over rows, of which four at a time. */
INLINE void of_columns(int how, float *to, const float *from, int64_t rows, int64_t row, int count) {
  vector a = load(from), b = beginning(how), c = b, d = b;
  int64_t i = 1;
  for (; i + 4 <= rows; i += 4) {
    a = taken(how, a, load(from + i * row));
    b = taken(how, b, load(from + (i + 1) * row));
    c = taken(how, c, load(from + (i + 2) * row));
    d = taken(how, d, load(from + (i + 3) * row));
  }
  for (; i < rows; i++) a = taken(how, a, load(from + i * row));
  store_first(to, taken(how, load(to), taken(how, taken(how, a, b), taken(how, c, d))), count);
}

INLINE void filled(float *out, float number, int64_t count) {
  const vector numbers = spread(number);
  int64_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) store(out + i, numbers);
  if (i < count) store_first(out + i, numbers, (int)(count - i));
}

void sums_of_rows(float *out, const float *from, int64_t step, int64_t row, int64_t count, int64_t room) {
  if (step == 0) return filled(out, *from * (float)row, room);
  for (int64_t begin = 0; begin < count; begin += row) filled(out + begin, of_row(SUM, from + begin, row), row);
  if (count < room) filled(out + count, 0, room - count);
}

INLINE void of_two(int how, int64_t rows, int64_t row, float *to, int64_t to_rows, int64_t to_row, const float *from) {
  if (to_row == 0) {
    for (int64_t i = 0; i < rows; i++) {
      float *at = to + i * to_rows;
      const vector both = taken(how, spread(*at), spread(of_row(how, from + i * row, row)));
      *at = both[0];
    }
  } else if (to_row == 1 && to_rows == 0) {
    for (int64_t j = 0; j < row; j += WIDTH) of_columns(how, to + j, from + j, rows, row, row - j < WIDTH ? (int)(row - j) : WIDTH);
  } else {
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < row; j++) {
        float *at = to + i * to_rows + j * to_row;
        const vector both = taken(how, spread(*at), spread(from[i * row + j]));
        *at = both[0];
      }
  }
}

void reduce_numbers(int how, int rank, const int32_t *sizes, float *to, const int32_t *strides, const float *from) {
  int64_t along[MOST_AXES + 2] = {1, 1}, steps[MOST_AXES + 2] = {0, 0};
  // Two axes at least.
  int count = 2;
  for (int axis = 0; axis < rank; axis++) {
    if (sizes[axis] == 1) continue;
    if (count > 2 && steps[count - 1] == (int64_t)strides[axis] * sizes[axis]) along[count - 1] *= sizes[axis];
    else along[count++] = sizes[axis];
    steps[count - 1] = strides[axis];
  }
  const int64_t rows = along[count - 2], row = along[count - 1], to_rows = steps[count - 2], to_row = steps[count - 1];
  int64_t index[MOST_AXES + 2] = {0};
  for (;;) {
    if (how == SUM) of_two(SUM, rows, row, to, to_rows, to_row, from);
    else if (how == MAX) of_two(MAX, rows, row, to, to_rows, to_row, from);
    else of_two(MIN, rows, row, to, to_rows, to_row, from);
    from += rows * row;
    int axis = count - 3;
    for (; axis >= 0; axis--) {
      if (++index[axis] < along[axis]) {
        to += steps[axis];
        break;
      }
      index[axis] = 0;
      to -= steps[axis] * (along[axis] - 1);
    }
    if (axis < 0) return;
  }
}
