// exp, log, tanh, sigmoid, erf, sin and cos of vectors, to a few units in the last place; infinities and NaN as IEEE 754 has them.
#ifndef INNERLOOP_CURVES_H
#define INNERLOOP_CURVES_H

#include <math.h>

#include "lanes.h"

INLINE whole to_whole(vector a) { return __builtin_convertvector(a, whole); }
INLINE vector to_numbers(whole a) { return __builtin_convertvector(a, vector); }

/** A polynomial of x by Horner's rule: what its highest power is multiplied by comes first. */
INLINE vector polynomial(const int count, const float *of, vector x) {
  vector sum = spread(of[0]);
  UNROLLED for (int i = 1; i < count; i++) sum = sum * x + of[i];
  return sum;
}
#define POLYNOMIAL(x, ...) polynomial(sizeof((const float[]){__VA_ARGS__}) / sizeof(float), (const float[]){__VA_ARGS__}, x)

/** `a` times 2 to the power of whole numbers from -126 to 254. */
INLINE vector scaled(vector a, vector power) {
#if defined(__AVX512F__)
  return (vector)_mm512_scalef_ps((__m512)a, (__m512)power);
#else
  const whole all = to_whole(power), half = all >> 1;
  return a * (vector)((half + 127) << 23) * (vector)((all - half + 127) << 23);
#endif
}

/** e to the power of a. What is below the normal numbers is 0: processors take a hundred times as long for it. */
INLINE vector exponential(vector a) {
  // NaN stays one, and infinity would become one.
  const vector within = least(spread(89.0f), a);
  const vector power = (within * 1.44269504f + 12582912.0f) - 12582912.0f;
  // ln 2 in two parts, of which the first has few enough bits that its multiples are exact.
  const vector rest = (within - power * 0.693359375f) + power * 2.12194440e-4f;
  const vector sum = POLYNOMIAL(rest, 1.38145399e-3f, 8.36874513e-3f, 4.16683908e-2f, 1.66665204e-1f, 4.99999934e-1f, 1.0f, 1.0f);
#if defined(__AVX512F__)
  return (vector)_mm512_maskz_scalef_ps(_mm512_cmp_ps_mask((__m512)a, _mm512_set1_ps(-87.33654f), _CMP_NLT_UQ), (__m512)sum, (__m512)power);
#else
  return choose(a < -87.33654f, (vector){0}, scaled(sum, most(spread(-126.0f), power)));
#endif
}

/** The natural logarithm. */
INLINE vector logarithm(vector a) {
  const whole small = a < 1.17549435e-38f;
  const vector normal = choose(small, a * 8388608.0f, a);
  const whole bits = (whole)normal & 0x7fffffff;
  // A fraction from √½ to √2 and its power of two.
  const whole shifted = bits - 0x3f3504f3;
  const vector power = to_numbers((shifted >> 23) - (small & 23));
  const vector fraction = (vector)((shifted & 0x007fffff) + 0x3f3504f3) - 1.0f;
  const vector sum = POLYNOMIAL(fraction, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  const vector square = fraction * fraction;
  vector tail = sum * fraction * square + power * -2.12194440e-4f;
  tail = tail - 0.5f * square;
  vector result = (fraction + tail) + power * 0.693359375f;
  result = choose(a == 0.0f, spread(-INFINITY), result);
  result = choose(a == INFINITY, a, result);
  return choose((a < 0.0f) | (a != a), spread(NAN), result);
}

INLINE vector sigmoid(vector a) { return 1.0f / (1.0f + exponential(-a)); }

/** A quotient of polynomials, which is 1 to the last place where `a` is held. */
INLINE vector hyperbolic_tangent(vector a) {
  const vector held = least(spread(7.99881172f), most(spread(-7.99881172f), a)), square = held * held;
  const vector above = POLYNOMIAL(square, -2.76076847742355e-16f, 2.00018790482477e-13f, -8.60467152213735e-11f, 5.12229709037114e-08f, 1.48572235717979e-05f, 6.37261928875436e-04f, 4.89352455891786e-03f);
  const vector below = POLYNOMIAL(square, 1.19825839466702e-06f, 1.18534705686654e-04f, 2.26843463243900e-03f, 4.89352518554385e-03f);
  return choose(absolute(a) < 0.0004f, a, quotient(held * above, below));
}

/** `a` times a quotient of polynomials of its square, which is beyond 1 where `a` is held. All their terms are above zero, so that none takes digits from another. */
INLINE vector error_function(vector a) {
  const vector held = least(spread(4.0f), absolute(a)), square = held * held;
  const vector above = POLYNOMIAL(square, 3.7191885e-06f, 5.19766007e-04f, 6.9178897e-03f, 9.62936208e-02f, 3.48355502e-01f, 2.0560317f);
  const vector below = POLYNOMIAL(square, 6.9267182e-05f, 2.13066628e-03f, 2.73918752e-02f, 2.0849672e-01f, 9.16091084e-01f, 1.82211065f);
  return with_sign(least(spread(1.0f), quotient(held * above, below)), a);
}

/** The sine of a + quarters · π/2. What is far from 0 goes to the C library. */
INLINE vector wave(vector a, int quarters) {
  const vector turns = (a * 0.636619772f + 12582912.0f) - 12582912.0f;
  // π/2 in three parts, of which the first two have so few bits that their multiples are exact.
  vector rest = a - turns * 1.5703125f;
  rest = rest - turns * 4.837512969970703125e-4f;
  rest = rest - turns * 7.54978995489188216e-8f;
  const vector square = rest * rest;
  vector sine = POLYNOMIAL(square, 2.86567956e-6f, -1.98559923e-4f, 8.33338592e-3f, -1.66666672e-1f);
  sine = sine * (square * rest) + rest;
  const vector cosine = POLYNOMIAL(square, 2.44677067e-5f, -1.38877297e-3f, 4.16666567e-2f, -0.5f, 1.0f);
  const whole far = ~(absolute(a) < 8192.0f);
  const whole which = to_whole(choose(far, (vector){0}, turns)) + quarters;
  const vector result = choose((which & 1) != 0, cosine, sine);
  vector signed_result = (vector)((whole)result ^ ((which & 2) << 30));
  for (int lane = 0; lane < WIDTH; lane++)
    if (far[lane]) signed_result[lane] = quarters ? cosf(a[lane]) : sinf(a[lane]);
  return signed_result;
}

INLINE vector power_of(vector a, vector b) {
  vector result;
  for (int lane = 0; lane < WIDTH; lane++) result[lane] = powf(a[lane], b[lane]);
  return result;
}

#endif
