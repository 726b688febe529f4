// The functions of chains, each a tight loop over a block.
#include "calls.h"
#include "curves.h"

/** A loop whose numbers are those of an expression of the vectors a, b and c. The last vector is written in part. */
#define OVER(name, expression)                                                            \
  static void name(float *out, Operand first, Operand second, Operand third, int64_t count) { \
    const float *at = first.at, *bt = second.at, *ct = third.at;                          \
    const int64_t whole_vectors = count / WIDTH * WIDTH;                                  \
    for (int64_t i = 0; i < whole_vectors; i += WIDTH) {                                  \
      const vector a = load(at), b = load(bt), c = load(ct);                              \
      (void)b, (void)c;                                                                   \
      store(out + i, expression);                                                         \
      at += first.step, bt += second.step, ct += third.step;                              \
    }                                                                                     \
    if (whole_vectors < count) {                                                          \
      const vector a = load(at), b = load(bt), c = load(ct);                              \
      (void)b, (void)c;                                                                   \
      store_first(out + whole_vectors, expression, (int)(count - whole_vectors));         \
    }                                                                                     \
  }

#define NONE ((vector){0})
#define ONE spread(1.0f)
#define TRUTH(test) ((vector)((test) & (whole)ONE))

OVER(copy_call, a)
OVER(add_call, a + b)
OVER(subtract_call, a - b)
OVER(multiply_call, a *b)
OVER(divide_call, a / b)
OVER(minimum_call, smaller(a, b))
OVER(maximum_call, larger(a, b))
OVER(equal_call, TRUTH(a == b))
OVER(less_call, TRUTH(a < b))
OVER(less_or_equal_call, TRUTH(a <= b))
OVER(greater_call, TRUTH(a > b))
OVER(greater_or_equal_call, TRUTH(a >= b))
OVER(where_call, choose(a != NONE, b, c))
OVER(negative_call, -a)
OVER(absolute_call, absolute(a))
OVER(sqrt_call, square_root(a))
OVER(reciprocal_call, reciprocal(a))
OVER(relu_call, larger(a, NONE))
OVER(exp_call, exponential(a))
OVER(log_call, logarithm(a))
OVER(tanh_call, hyperbolic_tangent(a))
OVER(sigmoid_call, sigmoid(a))
OVER(floor_call, below(a))
OVER(ceil_call, above(a))
OVER(round_call, nearest(a))
OVER(truncate_call, towards_zero(a))
OVER(sign_call, TRUTH(a > NONE) - TRUTH(a < NONE))
OVER(not_call, ONE - a)
OVER(truth_call, TRUTH(a != NONE))
OVER(erf_call, error_function(a))
OVER(sin_call, wave(a, 0))
OVER(cos_call, wave(a, 1))
OVER(each_power, power_of(a, b))
OVER(square, a *a)

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
    truth_call,    erf_call,        sin_call,        cos_call,      power_call,
};
