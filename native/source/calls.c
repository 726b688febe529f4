// The functions of chains, each a tight loop over a block.
#include "calls.h"
#include "curves.h"

/**
 * A loop whose numbers are those of an expression of the vectors a, b and c, of which those that go along are read in every turn. The last vector is written in
 * part. As a macro, since the compiler is to see which go along.
 */
#define ALONG(expression, goes_a, goes_b, goes_c)                                              \
  {                                                                                            \
    const vector still_a = load(first.at), still_b = load(second.at), still_c = load(third.at); \
    int64_t i = 0;                                                                             \
    _Pragma("GCC unroll 4") for (; i + WIDTH <= count; i += WIDTH) {                           \
      const vector a = goes_a ? load(first.at + i) : still_a;                                  \
      const vector b = goes_b ? load(second.at + i) : still_b;                                 \
      const vector c = goes_c ? load(third.at + i) : still_c;                                  \
      (void)a, (void)b, (void)c;                                                               \
      store(out + i, expression);                                                              \
    }                                                                                          \
    if (i < count) {                                                                           \
      const vector a = goes_a ? load(first.at + i) : still_a;                                  \
      const vector b = goes_b ? load(second.at + i) : still_b;                                 \
      const vector c = goes_c ? load(third.at + i) : still_c;                                  \
      (void)a, (void)b, (void)c;                                                               \
      store_first(out + i, expression, (int)(count - i));                                      \
    }                                                                                          \
    return;                                                                                    \
  }

#define FUNCTION(name) static void name(float *out, Operand first, Operand second, Operand third, int64_t count)

#define OF_ONE(name, expression)                \
  FUNCTION(name) {                              \
    if (first.step) ALONG(expression, 1, 0, 0)  \
    ALONG(expression, 0, 0, 0)                  \
  }

#define OF_TWO(name, expression)                              \
  FUNCTION(name) {                                            \
    if (first.step && second.step) ALONG(expression, 1, 1, 0) \
    if (first.step) ALONG(expression, 1, 0, 0)                \
    if (second.step) ALONG(expression, 0, 1, 0)               \
    ALONG(expression, 0, 0, 0)                                \
  }

#define OF_THREE(name, expression)                                           \
  FUNCTION(name) {                                                           \
    if (first.step && second.step && third.step) ALONG(expression, 1, 1, 1)  \
    if (first.step && second.step) ALONG(expression, 1, 1, 0)                \
    if (first.step && third.step) ALONG(expression, 1, 0, 1)                 \
    if (second.step && third.step) ALONG(expression, 0, 1, 1)                \
    if (first.step) ALONG(expression, 1, 0, 0)                               \
    if (second.step) ALONG(expression, 0, 1, 0)                              \
    if (third.step) ALONG(expression, 0, 0, 1)                               \
    ALONG(expression, 0, 0, 0)                                               \
  }

#define NONE ((vector){0})
#define ONE spread(1.0f)
#define TRUTH(test) ((vector)((test) & (whole)ONE))

OF_ONE(copy_call, a)
OF_TWO(add_call, a + b)
OF_TWO(subtract_call, a - b)
OF_TWO(multiply_call, a *b)
OF_TWO(each_quotient, a / b)
OF_TWO(minimum_call, smaller(a, b))
OF_TWO(maximum_call, larger(a, b))
OF_TWO(equal_call, TRUTH(a == b))
OF_TWO(less_call, TRUTH(a < b))
OF_TWO(less_or_equal_call, TRUTH(a <= b))
OF_TWO(greater_call, TRUTH(a > b))
OF_TWO(greater_or_equal_call, TRUTH(a >= b))
OF_THREE(where_call, choose(a != NONE, b, c))
OF_ONE(negative_call, -a)
OF_ONE(absolute_call, absolute(a))
OF_ONE(sqrt_call, square_root(a))
OF_ONE(reciprocal_call, reciprocal(a))
OF_ONE(relu_call, larger(a, NONE))
OF_ONE(exp_call, exponential(a))
OF_ONE(log_call, logarithm(a))
OF_ONE(tanh_call, hyperbolic_tangent(a))
OF_ONE(sigmoid_call, sigmoid(a))
OF_ONE(floor_call, below(a))
OF_ONE(ceil_call, above(a))
OF_ONE(round_call, nearest(a))
OF_ONE(truncate_call, towards_zero(a))
OF_ONE(sign_call, choose(a == a, TRUTH(a > NONE) - TRUTH(a < NONE), a))
OF_ONE(not_call, ONE - a)
OF_ONE(truth_call, TRUTH(a != NONE))
OF_ONE(erf_call, error_function(a))
OF_ONE(sin_call, wave(a, 0))
OF_ONE(cos_call, wave(a, 1))
OF_TWO(each_power, power_of(a, b))
OF_THREE(if_greater_call, TRUTH(a > b) * c)
OF_THREE(unless_greater_call, (ONE - TRUTH(a > b)) * c)
OF_ONE(square, a *a)

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
/** `a` divided by one number `b`, of which `c` is the reciprocal: what is left of `a`, without a rounding, mends the last place. Nothing mends zeros and infinities. */
INLINE vector mended(vector a, vector b, vector c) {
  const vector near = a * c, left = a - near * b, size = absolute(left);
  return choose((size > NONE) & (size < INFINITY), near + left * c, near);
}
OF_THREE(quotient_by_one, mended(a, b, c))

static void divide_call(float *out, Operand a, Operand b, Operand c, int64_t count) {
  const float size = fabsf(*b.at);
  if (b.step != 0 || !(size > 0x1p-100f && size < 0x1p100f)) return each_quotient(out, a, b, c, count);
  const vector reciprocals = 1.0f / load(b.at);
  quotient_by_one(out, a, b, (Operand){(const float *)&reciprocals, 0}, count);
}
#else
#define divide_call each_quotient
#endif

/** Squares are most of the powers. */
static void power_call(float *out, Operand a, Operand b, Operand c, int64_t count) {
  const Call call = b.step == 0 && *b.at == 2.0f ? square : each_power;
  call(out, a, b, c, count);
}

const Call calls[CALLS] = {
    copy_call,     add_call,        subtract_call,   multiply_call, divide_call,     minimum_call,    maximum_call,
    equal_call,    less_call,       less_or_equal_call, greater_call, greater_or_equal_call, where_call, negative_call,
    absolute_call, sqrt_call,       reciprocal_call, relu_call,     exp_call,        log_call,        tanh_call,
    sigmoid_call,  floor_call,      ceil_call,       round_call,    truncate_call,   sign_call,       not_call,
    truth_call,    erf_call,        sin_call,        cos_call,      power_call,    if_greater_call, unless_greater_call,
};
