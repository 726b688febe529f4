// Rows by themselves: LayerNormalization, Softmax, its logarithm, and where the largest number is. Some rows at a time go through each part of the work, so
// that none waits for its own sum.
#include "curves.h"
#include "kernels.h"

/** Rows at a time: all that fit the first cache, and as many as a vector has lanes. */
enum { ROWS = WIDTH, NUMBERS = 4096 };

static int64_t rows_at_a_time(int64_t size) { return size * ROWS <= NUMBERS ? ROWS : size * 2 <= NUMBERS ? NUMBERS / size : 1; }

/** The first numbers of a row: `count` up to a vector, and `rest` after them. */
INLINE vector part(const float *from, int64_t count, float rest) {
  return count >= WIDTH ? load(from) : first_lanes(load(from), (int)count, spread(rest));
}

INLINE void store_part(float *to, vector numbers, int64_t count) {
  if (count >= WIDTH) store(to, numbers);
  else store_first(to, numbers, (int)count);
}

INLINE float sum_of_row(const float *from, int64_t size) {
  vector a = {0}, b = {0};
  int64_t i = 0;
  for (; i + 2 * WIDTH <= size; i += 2 * WIDTH) a += load(from + i), b += load(from + i + WIDTH);
  if (i + WIDTH <= size) a += load(from + i), i += WIDTH;
  if (i < size) b += part(from + i, size - i, 0);
  return sum_of(a + b);
}

/** The sum of the squares of what numbers have above a mean: after the mean is known, so that a large one costs no digits. */
INLINE float sum_of_squares(const float *from, int64_t size, float mean) {
  vector a = {0}, b = {0};
  int64_t i = 0;
  for (; i + 2 * WIDTH <= size; i += 2 * WIDTH) {
    const vector first = load(from + i) - mean, second = load(from + i + WIDTH) - mean;
    a += first * first, b += second * second;
  }
  for (; i < size; i += WIDTH) {
    const vector rest = part(from + i, size - i, mean) - mean;
    a += rest * rest;
  }
  return sum_of(a + b);
}

INLINE void normalized(const float *from, float *out, int64_t size, float mean, float inverse, const float *gain, const float *bias) {
  for (int64_t i = 0; i < size; i += WIDTH) {
    vector numbers = (load(from + i) - mean) * inverse;
    if (gain) numbers *= load(gain + i);
    if (bias) numbers += load(bias + i);
    store_part(out + i, numbers, size - i);
  }
}

int run_norm(const int32_t *words, Memory memory, Part part) {
  const int64_t first = begin_of(part, words[2]), rows = end_of(part, words[2]), size = words[3], from_row = words[6], gain_rows = words[11], out_row = words[13];
  const float epsilon = float_of(words[4]), each = 1.0f / (float)size;
  const int64_t together = rows_at_a_time(size);
  for (int64_t begin = first, of_gain = first % gain_rows; begin < rows; begin += together) {
    const int64_t count = rows - begin < together ? rows - begin : together;
    const float *from = at(memory, words[5]) + begin * from_row;
    float *out = at(memory, words[12]) + begin * out_row;
    vector squares = {0};
    float mean[ROWS], inverse[ROWS];
    for (int64_t row = 0; row < count; row++) mean[row] = sum_of_row(from + row * from_row, size) * each;
    for (int64_t row = 0; row < count; row++) inverse[row] = sum_of_squares(from + row * from_row, size, mean[row]);
    memcpy(&squares, inverse, sizeof(float) * count);
    squares = 1.0f / square_root(squares * each + epsilon);
    memcpy(inverse, &squares, sizeof inverse);
    for (int64_t row = 0; row < count; row++) {
      if (words[14] >= 0) at(memory, words[14])[(begin + row) * words[15]] = mean[row];
      if (words[16] >= 0) at(memory, words[16])[(begin + row) * words[17]] = inverse[row];
      const float *gain = words[7] < 0 ? 0 : at(memory, words[7]) + of_gain * words[8];
      const float *bias = words[9] < 0 ? 0 : at(memory, words[9]) + of_gain * words[10];
      normalized(from + row * from_row, out + row * out_row, size, mean[row], inverse[row], gain, bias);
      if (++of_gain >= gain_rows) of_gain = 0;
    }
  }
  return DONE;
}

INLINE float largest(const float *from, int64_t size) {
  vector a = spread(-INFINITY);
  for (int64_t i = 0; i < size; i += WIDTH) a = larger(a, part(from + i, size - i, -INFINITY));
  return largest_of(a);
}

/** The sum of the exponentials of a row; they are written too, where there is a place for them. */
INLINE float exponentials(const float *from, float *out, int64_t size, float shift) {
  vector sum = {0};
  for (int64_t i = 0; i < size; i += WIDTH) {
    const vector numbers = exponential(part(from + i, size - i, -INFINITY) - shift);
    sum += numbers;
    if (out) store_part(out + i, numbers, size - i);
  }
  return sum_of(sum);
}

static void softmax(const float *from, int64_t from_row, float *out, int64_t out_row, int64_t count, int64_t size) {
  float shift[ROWS], sum[ROWS];
  for (int64_t row = 0; row < count; row++) shift[row] = largest(from + row * from_row, size);
  for (int64_t row = 0; row < count; row++) sum[row] = exponentials(from + row * from_row, out + row * out_row, size, shift[row]);
  for (int64_t row = 0; row < count; row++) {
    float *to = out + row * out_row;
    const float scale = 1.0f / sum[row];
    for (int64_t i = 0; i < size; i += WIDTH) store_part(to + i, load(to + i) * scale, size - i);
  }
}

static void log_softmax(const float *from, int64_t from_row, float *out, int64_t out_row, int64_t count, int64_t size) {
  float shift[ROWS];
  union {
    vector all;
    float of[ROWS];
  } sum = {{0}};
  for (int64_t row = 0; row < count; row++) shift[row] = largest(from + row * from_row, size);
  for (int64_t row = 0; row < count; row++) sum.of[row] = exponentials(from + row * from_row, 0, size, shift[row]);
  sum.all = logarithm(sum.all);
  for (int64_t row = 0; row < count; row++) {
    const float *source = from + row * from_row;
    float *to = out + row * out_row;
    for (int64_t i = 0; i < size; i += WIDTH) store_part(to + i, (load(source + i) - shift[row]) - sum.of[row], size - i);
  }
}

/** Where the largest number is first. NaN is none, but where it is first of all, as in ONNX Runtime. */
static float place_of_largest(const float *from, int64_t size) {
  const float most = largest(from, size);
  if (most != most) {
    int64_t place = 0;
    for (int64_t i = 1; i < size; i++)
      if (from[i] > from[place]) place = i;
    return (float)place;
  }
  vector first = spread(INFINITY);
  for (int64_t i = 0; i < size; i += WIDTH) {
    const vector places = to_numbers(lane_numbers() + (int32_t)i);
    first = least(first, choose(load(from + i) == most, places, spread(INFINITY)));
  }
  return smallest_of(first);
}

int run_rowwise(const int32_t *words, Memory memory, Part part) {
  const int64_t rows = end_of(part, words[3]), size = words[4], from_row = words[6], out_row = words[8], together = rows_at_a_time(size);
  for (int64_t begin = begin_of(part, words[3]); begin < rows; begin += together) {
    const int64_t count = rows - begin < together ? rows - begin : together;
    const float *from = at(memory, words[5]) + begin * from_row;
    float *out = at(memory, words[7]) + begin * out_row;
    if (words[2] == 0) softmax(from, from_row, out, out_row, count, size);
    else if (words[2] == 1) log_softmax(from, from_row, out, out_row, count, size);
    else
      for (int64_t row = 0; row < count; row++) out[row * out_row] = place_of_largest(from + row * from_row, size);
  }
  return DONE;
}
