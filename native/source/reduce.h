// Sums, largest and smallest numbers of blocks.
#ifndef INNERLOOP_REDUCE_H
#define INNERLOOP_REDUCE_H

#include <stdint.h>

/** How a write of a chain takes what is there and what comes. */
enum { SET = 0, SUM = 1, MAX = 2, MIN = 3 };

/** Puts at every place of `to` what a reduction begins with. Axes along which it does not move are gone along once. */
void begin_reduction(int how, int rank, const int32_t *sizes, float *to, const int32_t *strides);

/** Takes numbers that lie together in the order of the axes into those of `to`. */
void reduce_numbers(int how, int rank, const int32_t *sizes, float *to, const int32_t *strides, const float *from);

/** At each number of a row its sum, of `count` numbers in rows that lie together; without a step all are the same one. Room is for `room` of them, which are written. */
void sums_of_rows(float *out, const float *from, int64_t step, int64_t row, int64_t count, int64_t room);

#endif
