// Numbers from some places to others along any axes: transposes, rows that are repeated, pieces.
#ifndef INNERLOOP_COPY_H
#define INNERLOOP_COPY_H

#include <stdint.h>

enum { MOST_AXES = 8 };

/** to[Σ index · to_strides] = from[Σ index · from_strides], for each index of `rank` axes. Nothing is written but these; up to a vector after what lies together is read. */
void copy_numbers(int rank, const int32_t *sizes, float *to, const int32_t *to_strides, const float *from, const int32_t *from_strides);

#endif
