// Where threads may cut a chain: along an axis of blocks, since these are the same then as without a cut, and so are their numbers.
#include "calls.h"
#include "chain.h"

#include "kernels.h"

/** Numbers of the room of a piece at most, and how many more a chain is to have for each of them. */
enum { MOST_ROOM = CHAIN_ROOM / PIECES, WORTH = 16 };

Chain chain_of(const int32_t *words) {
  Chain chain = {.rank = words[2], .sizes = words + 3};
  const int32_t *next = words + 3 + chain.rank;
  chain.reads = *next++, chain.read = next;
  next += (int64_t)chain.reads * (1 + chain.rank);
  chain.calls = *next++, chain.call = next;
  next += (int64_t)chain.calls * 4;
  chain.writes = *next++, chain.write = next;
  next += (int64_t)chain.writes * (3 + chain.rank);
  chain.numbers = *next++, chain.number = next;
  return chain;
}

int64_t row_of_chain(const Chain *chain) {
  for (int32_t i = 0; i < chain->calls; i++)
    if (chain->call[4 * i] == SUM_OF_ROW) return (chain->sizes[chain->rank - 1] + 15) / 16 * 16;
  return 0;
}

static int64_t distance(const int32_t *strides, int axis) { return strides[axis] < 0 ? -(int64_t)strides[axis] : strides[axis]; }

/** Whether a write comes to no place twice, but along axes that it does not move along: each distance is beyond the end of what is nearer. */
static int is_apart(const Chain *chain, const int32_t *strides) {
  for (int axis = 0; axis < chain->rank; axis++) {
    if (strides[axis] == 0 || chain->sizes[axis] == 1) continue;
    int64_t end = 0;
    for (int other = 0; other < chain->rank; other++) {
      const int nearer = distance(strides, other) < distance(strides, axis) || (distance(strides, other) == distance(strides, axis) && other > axis);
      if (other != axis && nearer) end += (chain->sizes[other] - 1) * distance(strides, other);
    }
    if (end >= distance(strides, axis)) return 0;
  }
  return 1;
}

int64_t kept_sizes(const Chain *chain, const int32_t *write, int32_t *sizes) {
  int64_t numbers = 1;
  for (int axis = 0; axis < chain->rank; axis++) {
    sizes[axis] = write[1 + axis] == 0 ? 1 : chain->sizes[axis];
    numbers *= sizes[axis];
  }
  return (numbers + 15) / 16 * 16;
}

/** Of the reductions along an axis; below zero where what is set does not move along it, so that it may not be cut. */
static int64_t room_of(const Chain *chain, int axis) {
  int64_t room = 0;
  int32_t sizes[MOST_AXES];
  for (int32_t i = 0; i < chain->writes; i++) {
    const int32_t *write = write_of(chain, i);
    if (write[1 + axis] != 0) continue;
    if (write[2 + chain->rank] == SET) return -1;
    room += kept_sizes(chain, write, sizes);
  }
  return room;
}

/** Whether reductions in pieces may be worth it at all: most chains are small. */
static int is_large(const Chain *chain) { return places_of(chain) > PIECES * LARGEST_BLOCK; }

Cut cut_of(const Chain *chain) {
  Cut kept = {-1, 1, 0}, reduced = kept;
  int64_t inside = 1;
  for (int32_t i = 0; i < chain->writes; i++)
    if (!is_apart(chain, write_of(chain, i) + 1)) return kept;
  // From the inside: the outermost is taken of those that are as good.
  for (int axis = chain->rank - 1; axis >= 0; axis--) {
    const int64_t numbers = inside * chain->sizes[axis];
    // An axis inside a block is not cut.
    if (numbers > LARGEST_BLOCK && chain->sizes[axis] > 1) {
      const int64_t blocks = inside >= LARGEST_BLOCK ? chain->sizes[axis] : numbers / LARGEST_BLOCK + 1;
      const int64_t room = room_of(chain, axis);
      if (room == 0 && (blocks >= kept.parts || blocks >= 8 * PIECES)) kept = (Cut){axis, blocks, 0};
      if (room > 0 && room <= MOST_ROOM && blocks >= PIECES && blocks >= reduced.parts) reduced = (Cut){axis, blocks, room};
    }
    inside = numbers;
  }
  // Whoever has room for pieces asks only for large ones (room_of_chain).
  if (kept.parts >= PIECES || reduced.axis < 0 || !is_large(chain) || inside < WORTH * PIECES * reduced.room) return kept;
  reduced.parts = PIECES;
  return reduced;
}

static int reduces(const Chain *chain) {
  for (int32_t i = 0; i < chain->writes; i++)
    if (write_of(chain, i)[2 + chain->rank] != SET) return 1;
  return 0;
}

int64_t room_of_chain(const int32_t *words) {
  const Chain chain = chain_of(words);
  if (!reduces(&chain) || !is_large(&chain)) return 0;
  const Cut cut = cut_of(&chain);
  return PIECES * cut.room;
}

int64_t parts_of_chain(const int32_t *words) {
  const Chain chain = chain_of(words);
  return cut_of(&chain).parts;
}

void join_chain(const int32_t *words, Memory memory, const float *room) {
  const Chain chain = chain_of(words);
  const Cut cut = cut_of(&chain);
  int32_t sizes[MOST_AXES];
  for (int32_t i = 0; i < chain.writes; i++) {
    const int32_t *write = write_of(&chain, i);
    if (!in_pieces(&chain, &cut, write)) continue;
    const int how = write[2 + chain.rank];
    const int64_t numbers = kept_sizes(&chain, write, sizes);
    begin_reduction(how, chain.rank, chain.sizes, at(memory, write[0]), write + 1);
    for (int piece = 0; piece < PIECES; piece++) reduce_numbers(how, chain.rank, sizes, at(memory, write[0]), write + 1, room + piece * cut.room);
    room += numbers;
  }
}
