// Blocks of a chain: which places are computed together, and what of an array lies together in them.
#ifndef INNERLOOP_CHAIN_BLOCKS_H
#define INNERLOOP_CHAIN_BLOCKS_H

#include "copy.h"
#include "vectors.h"

/** What is done with a read or a result: it lies together where it is, is brought together in a room, or is one number for the whole block. */
typedef enum { IN_PLACE, IN_ROOM, ONE_NUMBER } Manner;

/**
 * A block is some rows of one axis (`split`) with all that is inside: `volume` places each. What is outside, and the rows, are gone over.
 */
typedef struct {
  int rank, split;
  int64_t rows, volume;
  int32_t sizes[MOST_AXES];
  /** Of a block whose numbers lie together. */
  int32_t together[MOST_AXES];
} Blocks;

static inline void divide(Blocks *blocks, int rank, const int32_t *sizes, int64_t most) {
  blocks->rank = rank, blocks->split = rank - 1, blocks->volume = 1;
  while (blocks->split > 0 && blocks->volume * sizes[blocks->split] <= most) blocks->volume *= sizes[blocks->split--];
  const int64_t size = blocks->rows = sizes[blocks->split];
  if (size * blocks->volume > most) {
    // As many blocks as are needed, of much the same size.
    const uint32_t fit = (uint32_t)most / (uint32_t)blocks->volume, pieces = (uint32_t)(size + fit - 1) / fit;
    blocks->rows = (uint32_t)(size + pieces - 1) / pieces;
    if (blocks->volume == 1) blocks->rows = (blocks->rows + WIDTH - 1) / WIDTH * WIDTH;
  }
  int64_t distance = 1;
  for (int axis = rank - 1; axis >= blocks->split; axis--) {
    blocks->sizes[axis] = axis == blocks->split ? (int32_t)blocks->rows : sizes[axis];
    blocks->together[axis] = (int32_t)distance;
    distance *= blocks->sizes[axis];
  }
}

static inline Manner manner_of(const Blocks *blocks, const int32_t *strides) {
  int together = 1, one = 1;
  for (int axis = blocks->split; axis < blocks->rank; axis++) {
    if (blocks->sizes[axis] == 1) continue;
    if (strides[axis] != 0) one = 0;
    if (strides[axis] != blocks->together[axis]) together = 0;
    if (!one && !together) return IN_ROOM;
  }
  return one ? ONE_NUMBER : IN_PLACE;
}

#endif
