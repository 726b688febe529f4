// The functions of chains, each over a block of numbers.
#ifndef INNERLOOP_CALLS_H
#define INNERLOOP_CALLS_H

#include <stdint.h>

/** Numbers that lie together (`step` is the width of a vector), or the same vector again and again (0). */
typedef struct {
  const float *at;
  int64_t step;
} Operand;

/** Writes `count` numbers, and none after them. What operands have after theirs, up to a vector, is read. */
typedef void (*Call)(float *out, Operand a, Operand b, Operand c, int64_t count);

/** In the order of `functions` in plan/steps.ts. The one after them is no function of a number, but of its row. */
enum { CALLS = 35, SUM_OF_ROW = CALLS };
extern const Call calls[CALLS];

#endif
