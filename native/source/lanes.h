// What vectors.h has not: the largest and smallest with NaN going through, sums and extremes over lanes, first lanes, and numbers made whole.
#ifndef INNERLOOP_LANES_H
#define INNERLOOP_LANES_H

#include "vectors.h"

typedef float quarter __attribute__((vector_size(16)));

/** The largest as ONNX has it: NaN where either is. */
INLINE vector larger(vector a, vector b) { return choose((a > b) | (a != a), a, b); }

INLINE vector smaller(vector a, vector b) { return choose((a < b) | (a != a), a, b); }

INLINE vector absolute(vector a) { return (vector)((whole)a & 0x7fffffff); }

/** The numbers of `a` with the signs of `b`. */
INLINE vector with_sign(vector a, vector b) { return (vector)(((whole)a & 0x7fffffff) | ((whole)b & (int32_t)0x80000000)); }

INLINE whole lane_numbers(void) {
  whole lanes;
  for (int lane = 0; lane < WIDTH; lane++) lanes[lane] = lane;
  return lanes;
}

/** The first `count` lanes of `a`, and `rest` after them. */
INLINE vector first_lanes(vector a, int count, vector rest) { return choose(lane_numbers() < count, a, rest); }

INLINE vector reciprocal(vector a) { return 1.0f / a; }

INLINE vector square_root(vector a) {
  vector roots;
#if defined(__AVX512F__)
  roots = (vector)_mm512_sqrt_ps((__m512)a);
#elif defined(__AVX__)
  roots = (vector)_mm256_sqrt_ps((__m256)a);
#else
  for (int lane = 0; lane < WIDTH; lane++) roots[lane] = __builtin_sqrtf(a[lane]);
#endif
  return roots;
}

/** To the nearest whole number, halves to even; above 2^23 all numbers are whole. */
INLINE vector nearest(vector a) {
  const vector size = absolute(a), sum = size + 8388608.0f;
  const vector rounded = sum - 8388608.0f;
  return with_sign(choose(size < 8388608.0f, rounded, size), a);
}

INLINE vector below(vector a) {
  const vector near = nearest(a);
  return with_sign(choose(near > a, near - 1.0f, near), a);
}

INLINE vector above(vector a) {
  const vector near = nearest(a);
  return with_sign(choose(near < a, near + 1.0f, near), a);
}

INLINE vector towards_zero(vector a) {
  const vector size = absolute(a), near = nearest(size);
  return with_sign(choose(near > size, near - 1.0f, near), a);
}

/** Halves joined until four lanes are left. */
#define JOINED(name, join, last)                                                             \
  INLINE float name(vector a) {                                                              \
    quarter parts[WIDTH / 4];                                                                \
    memcpy(parts, &a, sizeof a);                                                             \
    for (int half = WIDTH / 8; half > 0; half /= 2)                                          \
      for (int part = 0; part < half; part++) parts[part] = join(parts[part], parts[part + half]); \
    const quarter four = parts[0];                                                           \
    return last(last(four[0], four[1]), last(four[2], four[3]));                             \
  }

INLINE quarter add_quarters(quarter a, quarter b) { return a + b; }
INLINE float add_numbers(float a, float b) { return a + b; }
INLINE float larger_number(float a, float b) { return a > b || a != a ? a : b; }
INLINE float smaller_number(float a, float b) { return a < b || a != a ? a : b; }

typedef int32_t quarter_test __attribute__((vector_size(16)));
INLINE quarter choose_quarter(quarter_test test, quarter yes, quarter no) {
  return (quarter)((test & (quarter_test)yes) | (~test & (quarter_test)no));
}
INLINE quarter larger_quarters(quarter a, quarter b) { return choose_quarter((a > b) | (a != a), a, b); }
INLINE quarter smaller_quarters(quarter a, quarter b) { return choose_quarter((a < b) | (a != a), a, b); }

JOINED(sum_of, add_quarters, add_numbers)
JOINED(largest_of, larger_quarters, larger_number)
JOINED(smallest_of, smaller_quarters, smaller_number)

#endif
