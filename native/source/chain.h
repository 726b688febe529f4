// The words of a chain, and where threads may cut it.
#ifndef INNERLOOP_CHAIN_H
#define INNERLOOP_CHAIN_H

#include "copy.h"
#include "reduce.h"

/** Numbers of the largest block. */
enum { LARGEST_BLOCK = 1024 };

/** Reductions along the axis that is cut are done in so many pieces, whoever does them: their numbers are to be the same with any number of threads. */
enum { PIECES = 8 };

/** Numbers of rows that are summed along in a chain, and of such rows, in whole vectors, of all that it reads and computes. */
enum { MOST_ROW = LARGEST_BLOCK, ROW_ROOM = 16384 };

typedef struct {
  int rank;
  int32_t reads, calls, writes, numbers;
  const int32_t *sizes, *read, *call, *write, *number;
} Chain;

Chain chain_of(const int32_t *words);

static inline const int32_t *read_of(const Chain *chain, int32_t i) { return chain->read + (int64_t)i * (1 + chain->rank); }

static inline const int32_t *write_of(const Chain *chain, int32_t i) { return chain->write + (int64_t)i * (3 + chain->rank); }

/** Places that a chain goes through. */
static inline int64_t places_of(const Chain *chain) {
  int64_t places = 1;
  for (int axis = 0; axis < chain->rank; axis++) places *= chain->sizes[axis];
  return places;
}

/** Numbers of a row, in 16s, if a chain sums along its last axis; else 0. */
int64_t row_of_chain(const Chain *chain);

typedef struct {
  /** Below zero: none. */
  int axis;
  /** In how many parts it may be cut. */
  int64_t parts;
  /** Numbers that a piece needs for the reductions along that axis; none: there are no pieces. */
  int64_t room;
} Cut;

/** By sizes and distances alone, not by how many threads there are. */
Cut cut_of(const Chain *chain);

/** Whether a write is a reduction along the axis that is cut into pieces. */
static inline int in_pieces(const Chain *chain, const Cut *cut, const int32_t *write) {
  return cut->room > 0 && write[1 + cut->axis] == 0 && write[2 + chain->rank] != SET;
}

/** The sizes of what a write keeps: 1 along axes that it does not move along. @returns how many numbers, in whole vectors */
int64_t kept_sizes(const Chain *chain, const int32_t *write, int32_t *sizes);

#endif
