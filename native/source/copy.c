// Copies along any axes. Two of these are gone along in a way of their own, the others around them.
#include "copy.h"

#include "lanes.h"

/** An axis, with the distances of both sides. */
typedef struct {
  int64_t size, to, from;
} Axis;

static void copy_row(float *to, const float *from, int64_t count) {
  int64_t i = 0;
  // Rows that are short are most of them; long ones are best left to the C library.
  if (count >= 512) {
    memcpy(to, from, sizeof(float) * count);
    return;
  }
  for (; i + WIDTH <= count; i += WIDTH) store(to + i, load(from + i));
  if (i < count) store_first(to + i, load(from + i), (int)(count - i));
}

static void fill_row(float *to, float number, int64_t count) {
  const vector numbers = spread(number);
  int64_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) store(to + i, numbers);
  if (i < count) store_first(to + i, numbers, (int)(count - i));
}

typedef float loose_quarter __attribute__((vector_size(16), aligned(4), may_alias));

/** Sixteen numbers: what lies together in `from` are columns of `to`. */
INLINE void turn_four(float *to, int64_t to_row, const float *from, int64_t from_row) {
  const quarter a = *(const loose_quarter *)from, b = *(const loose_quarter *)(from + from_row);
  const quarter c = *(const loose_quarter *)(from + 2 * from_row), d = *(const loose_quarter *)(from + 3 * from_row);
  const quarter ab = MIXED(a, b, 0, 4, 1, 5), cd = MIXED(c, d, 0, 4, 1, 5);
  const quarter ba = MIXED(a, b, 2, 6, 3, 7), dc = MIXED(c, d, 2, 6, 3, 7);
  *(loose_quarter *)to = MIXED(ab, cd, 0, 1, 4, 5);
  *(loose_quarter *)(to + to_row) = MIXED(ab, cd, 2, 3, 6, 7);
  *(loose_quarter *)(to + 2 * to_row) = MIXED(ba, dc, 0, 1, 4, 5);
  *(loose_quarter *)(to + 3 * to_row) = MIXED(ba, dc, 2, 3, 6, 7);
}

#if defined(__AVX__)
/** Four rows of eight columns: halves come together as they are read, which leaves half of the shuffles. */
INLINE void turn_half(float *to, int64_t to_row, const float *from, int64_t from_row) {
  __m256 rows[4];
  for (int i = 0; i < 4; i++)
    rows[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from + i * from_row)), _mm_loadu_ps(from + (i + 4) * from_row), 1);
  const __m256 ab = _mm256_unpacklo_ps(rows[0], rows[1]), ba = _mm256_unpackhi_ps(rows[0], rows[1]);
  const __m256 cd = _mm256_unpacklo_ps(rows[2], rows[3]), dc = _mm256_unpackhi_ps(rows[2], rows[3]);
  _mm256_storeu_ps(to, _mm256_shuffle_ps(ab, cd, 0x44));
  _mm256_storeu_ps(to + to_row, _mm256_shuffle_ps(ab, cd, 0xee));
  _mm256_storeu_ps(to + 2 * to_row, _mm256_shuffle_ps(ba, dc, 0x44));
  _mm256_storeu_ps(to + 3 * to_row, _mm256_shuffle_ps(ba, dc, 0xee));
}
#else
INLINE void turn_half(float *to, int64_t to_row, const float *from, int64_t from_row) {
  turn_four(to, to_row, from, from_row);
  turn_four(to + 4, to_row, from + 4 * from_row, from_row);
}
#endif

/** Rows of `to` that are columns of `from`. In blocks, so that what is read and written of a line of the cache stays there until all of it was. */
static void turn_around(int64_t rows, int64_t columns, float *to, int64_t to_row, const float *from, int64_t from_column) {
  enum { BLOCK = 32 };
  for (int64_t row = 0; row < rows; row += BLOCK) {
    const int64_t last_row = row + BLOCK < rows ? row + BLOCK : rows, fours = row + (last_row - row) / 4 * 4;
    int64_t column = 0;
    for (; column + 8 <= columns; column += 8) {
      const float *source = from + column * from_column;
      float *target = to + column;
      int64_t i = row;
      for (; i < fours; i += 4) turn_half(target + i * to_row, to_row, source + i, from_column);
      for (; i < last_row; i++)
        for (int64_t j = 0; j < 8; j++) target[i * to_row + j] = source[j * from_column + i];
    }
    for (; column + 4 <= columns; column += 4) {
      const float *source = from + column * from_column;
      float *target = to + column;
      int64_t i = row;
      for (; i < fours; i += 4) turn_four(target + i * to_row, to_row, source + i, from_column);
      for (; i < last_row; i++)
        for (int64_t j = 0; j < 4; j++) target[i * to_row + j] = source[j * from_column + i];
    }
    for (; column < columns; column++)
      for (int64_t i = row; i < last_row; i++) to[i * to_row + column] = from[column * from_column + i];
  }
}

static void copy_two(Axis rows, Axis row, float *to, const float *from) {
  if (row.to == 1 && rows.from == 1 && row.from != 1 && row.from != 0) {
    turn_around(rows.size, row.size, to, rows.to, from, row.from);
    return;
  }
  for (int64_t i = 0; i < rows.size; i++, to += rows.to, from += rows.from)
    if (row.to == 1 && row.from == 1) copy_row(to, from, row.size);
    else if (row.to == 1 && row.from == 0) fill_row(to, *from, row.size);
    else
      for (int64_t j = 0; j < row.size; j++) to[j * row.to] = from[j * row.from];
}

static void swap(Axis *a, Axis *b) {
  const Axis kept = *a;
  *a = *b;
  *b = kept;
}

void copy_numbers(int rank, const int32_t *sizes, float *to, const int32_t *to_strides, const float *from, const int32_t *from_strides) {
  Axis axes[MOST_AXES + 2];
  int count = 0;
  for (int axis = 0; axis < rank; axis++) {
    if (sizes[axis] == 1) continue;
    const Axis next = {sizes[axis], to_strides[axis], from_strides[axis]};
    Axis *last = axes + count - 1;
    if (count > 0 && last->to == next.to * next.size && last->from == next.from * next.size) {
      last->size *= next.size;
      last->to = next.to, last->from = next.from;
    } else
      axes[count++] = next;
  }
  while (count < 2) {
    for (int axis = count; axis > 0; axis--) axes[axis] = axes[axis - 1];
    axes[0] = (Axis){1, 0, 0};
    count++;
  }
  // Innermost what lies together in `to`, and around it what lies together in `from`.
  for (int axis = 0; axis < count - 1; axis++)
    if (axes[axis].to == 1 && axes[count - 1].to != 1) swap(axes + axis, axes + count - 1);
  for (int axis = 0; axis < count - 2; axis++)
    if (axes[axis].from == 1 && axes[axis].size > 1) swap(axes + axis, axes + count - 2);
  int64_t index[MOST_AXES + 2] = {0};
  for (;;) {
    copy_two(axes[count - 2], axes[count - 1], to, from);
    int axis = count - 3;
    for (; axis >= 0; axis--) {
      if (++index[axis] < axes[axis].size) {
        to += axes[axis].to, from += axes[axis].from;
        break;
      }
      index[axis] = 0;
      to -= axes[axis].to * (axes[axis].size - 1), from -= axes[axis].from * (axes[axis].size - 1);
    }
    if (axis < 0) return;
  }
}
