// What vectors.h has not: the largest and smallest with NaN going through, sums and extremes over lanes, first lanes, and numbers made whole.
#ifndef INNERLOOP_LANES_H
#define INNERLOOP_LANES_H

#include "vectors.h"

typedef float quarter __attribute__((vector_size(16)));

/** The larger of two; `b` where either is NaN. */
INLINE vector most(vector a, vector b) {
#if defined(__AVX512F__)
  return (vector)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
  return (vector)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return choose(a > b, a, b);
#endif
}

/** The smaller of two; `b` where either is NaN. */
INLINE vector least(vector a, vector b) {
#if defined(__AVX512F__)
  return (vector)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
  return (vector)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return choose(a < b, a, b);
#endif
}

/** The larger of two as ONNX Runtime has it: NaN where either is. */
INLINE vector larger(vector a, vector b) {
#if defined(__AVX512F__)
  return (vector)_mm512_mask_max_ps((__m512)a, _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_ORD_Q), (__m512)a, (__m512)b);
#else
  return choose(a == a, most(a, b), a);
#endif
}

INLINE vector smaller(vector a, vector b) {
#if defined(__AVX512F__)
  return (vector)_mm512_mask_min_ps((__m512)a, _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_ORD_Q), (__m512)a, (__m512)b);
#else
  return choose(a == a, least(a, b), a);
#endif
}

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

/** `a` divided by `b` to the last place but one, both and what comes of them far from the largest and the least numbers. */
INLINE vector quotient(vector a, vector b) {
#if defined(__AVX512F__)
  const vector by = (vector)_mm512_rcp14_ps((__m512)b), near = a * by;
  return near + (a - near * b) * by;
#else
  return a / b;
#endif
}

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

typedef int32_t quarter_test __attribute__((vector_size(16)));

#if defined(__clang__) || __GNUC__ >= 12
#define MIXED(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define MIXED(a, b, i, j, k, l) __builtin_shuffle(a, b, (quarter_test){i, j, k, l})
#endif

INLINE quarter choose_quarter(quarter_test test, quarter yes, quarter no) {
  return (quarter)((test & (quarter_test)yes) | (~test & (quarter_test)no));
}
INLINE quarter sum_quarter(quarter a, quarter b) { return a + b; }
INLINE quarter larger_quarter(quarter a, quarter b) { return choose_quarter((a > b) | (a != a), a, b); }
INLINE quarter smaller_quarter(quarter a, quarter b) { return choose_quarter((a < b) | (a != a), a, b); }

/** One number of all lanes: halves come together until one is left. Without a branch, which rows would take by chance. */
#define OVER_LANES(name, join)                                                                     \
  INLINE float name(vector a) {                                                                    \
    quarter parts[WIDTH / 4];                                                                      \
    memcpy(parts, &a, sizeof a);                                                                   \
    for (int half = WIDTH / 8; half > 0; half /= 2)                                                \
      for (int part = 0; part < half; part++) parts[part] = join(parts[part], parts[part + half]); \
    const quarter two = join(parts[0], MIXED(parts[0], parts[0], 2, 3, 2, 3));                     \
    return join(two, MIXED(two, two, 1, 1, 1, 1))[0];                                              \
  }

OVER_LANES(sum_of, sum_quarter)
OVER_LANES(largest_of, larger_quarter)
OVER_LANES(smallest_of, smaller_quarter)

#endif
