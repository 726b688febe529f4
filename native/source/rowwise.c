// Rows by themselves: LayerNormalization, Softmax, its logarithm, and where the largest number is.
#include "curves.h"
#include "kernels.h"
#include "reduce.h"

/** The first numbers of a row: `count` up to a vector, and `rest` after them. */
INLINE vector part(const float *from, int64_t count, float rest) {
  return count >= WIDTH ? load(from) : first_lanes(load(from), (int)count, spread(rest));
}

INLINE void store_part(float *to, vector numbers, int64_t count) {
  if (count >= WIDTH) store(to, numbers);
  else store_first(to, numbers, (int)count);
}

static float float_of(int32_t bits) {
  float number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

/** The mean of a row, and one over the root of its variance and epsilon. Twice over the row, which is in the cache then, so that a large mean costs no digits. */
static void moments(const float *from, int64_t size, float epsilon, float *mean, float *inverse) {
  vector a = {0}, b = {0};
  for (int64_t i = 0; i < size; i += 2 * WIDTH) {
    a += part(from + i, size - i, 0);
    if (i + WIDTH < size) b += part(from + i + WIDTH, size - i - WIDTH, 0);
  }
  *mean = sum_of(a + b) / (float)size;
  const vector middle = spread(*mean);
  a = b = (vector){0};
  for (int64_t i = 0; i < size; i += 2 * WIDTH) {
    const vector first = part(from + i, size - i, *mean) - middle;
    a += first * first;
    if (i + WIDTH >= size) break;
    const vector second = part(from + i + WIDTH, size - i - WIDTH, *mean) - middle;
    b += second * second;
  }
  *inverse = 1.0f / sqrtf(sum_of(a + b) / (float)size + epsilon);
}

int run_norm(const int32_t *words, float *memory) {
  const int64_t rows = words[2], size = words[3];
  const float epsilon = float_of(words[4]);
  const float *from = memory + words[5];
  const int64_t from_row = words[6], gain_row = words[8], bias_row = words[10], gain_rows = words[11];
  float *out = memory + words[12];
  const int64_t out_row = words[13];
  for (int64_t row = 0, of_gain = 0; row < rows; row++, from += from_row, out += out_row) {
    float mean, inverse;
    moments(from, size, epsilon, &mean, &inverse);
    if (words[14] >= 0) memory[words[14] + row * words[15]] = mean;
    if (words[16] >= 0) memory[words[16] + row * words[17]] = inverse;
    const float *gain = words[7] < 0 ? 0 : memory + words[7] + of_gain * gain_row;
    const float *bias = words[9] < 0 ? 0 : memory + words[9] + of_gain * bias_row;
    if (++of_gain >= gain_rows) of_gain = 0;
    for (int64_t i = 0; i < size; i += WIDTH) {
      vector numbers = (load(from + i) - mean) * inverse;
      if (gain) numbers *= load(gain + i);
      if (bias) numbers += load(bias + i);
      store_part(out + i, numbers, size - i);
    }
  }
  return DONE;
}

static float largest(const float *from, int64_t size) {
  vector a = spread(-INFINITY);
  for (int64_t i = 0; i < size; i += WIDTH) a = larger(a, part(from + i, size - i, -INFINITY));
  return largest_of(a);
}

static void softmax(const float *from, float *out, int64_t size) {
  const float shift = largest(from, size);
  vector sum = {0};
  for (int64_t i = 0; i < size; i += WIDTH) {
    const vector numbers = exponential(part(from + i, size - i, -INFINITY) - shift);
    sum += numbers;
    store_part(out + i, numbers, size - i);
  }
  const float scale = 1.0f / sum_of(sum);
  for (int64_t i = 0; i < size; i += WIDTH) store_part(out + i, load(out + i) * scale, size - i);
}

static void log_softmax(const float *from, float *out, int64_t size) {
  const float shift = largest(from, size);
  vector sum = {0};
  for (int64_t i = 0; i < size; i += WIDTH) sum += exponential(part(from + i, size - i, -INFINITY) - shift);
  const float logarithm_of_sum = logarithm(spread(sum_of(sum)))[0];
  for (int64_t i = 0; i < size; i += WIDTH) store_part(out + i, (load(from + i) - shift) - logarithm_of_sum, size - i);
}

/** Where the largest number is first. */
static float place_of_largest(const float *from, int64_t size) {
  const float most = largest(from, size);
  for (int64_t i = 0; i < size; i++)
    if (from[i] == most) return (float)i;
  return 0;
}

int run_rowwise(const int32_t *words, float *memory) {
  const int64_t rows = words[3], size = words[4], from_row = words[6], out_row = words[8];
  const float *from = memory + words[5];
  float *out = memory + words[7];
  for (int64_t row = 0; row < rows; row++, from += from_row, out += out_row)
    if (words[2] == 0) softmax(from, out, size);
    else if (words[2] == 1) log_softmax(from, out, size);
    else *out = place_of_largest(from, size);
  return DONE;
}
