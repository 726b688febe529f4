// The smaller and the larger of two counts.
#ifndef INNERLOOP_BOUNDS_H
#define INNERLOOP_BOUNDS_H

#include <stdint.h>

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
