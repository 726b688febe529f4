// Chains of functions over blocks of places that stay in the first cache: reads, then each call over the whole block, then writes.
#include "calls.h"
#include "chain-blocks.h"
#include "chain.h"
#include "kernels.h"
#include "lanes.h"

/** Numbers of all the rooms together. Even with the most rooms a block has more than a vector. */
enum { SCRATCH = 8192, MANY_ARRAYS = 12, MOST_ROOMS = 256 };
/** Numbers of a row that may be a block by itself, and those whose copy takes as long as calling a function once more. */
enum { LONG_ROW = 128, CALL_NUMBERS = 32 };

typedef struct {
  /** Where the block's first number is. */
  float *at;
  const int32_t *strides;
  Manner manner;
  int32_t room;
  /** What is in the room. */
  const float *filled;
  int64_t filled_rows;
} Place;

typedef struct {
  Manner manner;
  /** Or, in place, the write whose numbers are computed where they are to be. */
  int32_t room;
  /** The last call that takes it. */
  int32_t last;
} Result;

static int32_t register_of(const Chain *chain, const Place *write) { return write->strides[chain->rank]; }

static int how_of(const Chain *chain, const Place *write) { return write->strides[chain->rank + 1]; }

/** Whether of blocks of one row so much more lies together that functions had better be called for each: bringing it together, or spreading it, takes as long as some calls. */
static int rows_apart(const Chain *chain, const Blocks *blocks, const Place *reads, const Place *writes) {
  if (blocks->rows == 1 || blocks->volume < LONG_ROW) return 0;
  Blocks row = *blocks;
  row.rows = row.sizes[row.split] = 1;
  int64_t apart = 0;
  for (int32_t i = 0; i < chain->reads; i++) apart += manner_of(blocks, reads[i].strides) == IN_ROOM && manner_of(&row, reads[i].strides) != IN_ROOM;
  for (int32_t i = 0; i < chain->writes; i++)
    apart += how_of(chain, writes + i) == SET && manner_of(blocks, writes[i].strides) == IN_ROOM && manner_of(&row, writes[i].strides) != IN_ROOM;
  return apart * blocks->volume > CALL_NUMBERS * (chain->reads + chain->calls + chain->writes);
}

/**
 * Whether numbers of a read are still taken once they are written over: chains may write where they read, place by place. A block is written when the call that
 * its numbers are from is done.
 */
static int outlived(const Chain *chain, const Place *reads, int32_t read, const Place *writes) {
  for (int32_t i = 0; i < chain->writes; i++) {
    if (writes[i].at != reads[read].at) continue;
    for (int32_t call = chain->calls - 1; call > register_of(chain, writes + i) - chain->reads; call--)
      for (int32_t operand = 1; operand < 4; operand++)
        if (chain->call[4 * call + operand] == read) return 1;
    for (int32_t other = 0; other < chain->writes; other++)
      if (other != i && register_of(chain, writes + other) == read) return 1;
  }
  return 0;
}

/** Gives every read and result its manner and its room. @returns how many rooms */
static int32_t settle(const Chain *chain, const Blocks *blocks, Place *reads, Result *results, Place *writes, int32_t *free_rooms) {
  int32_t rooms = 0, free_count = 0;
  for (int32_t i = 0; i < chain->reads; i++) {
    reads[i].manner = manner_of(blocks, reads[i].strides);
    if (reads[i].manner == IN_PLACE && outlived(chain, reads, i, writes)) reads[i].manner = IN_ROOM;
    reads[i].filled = 0;
  }
  for (int32_t i = 0; i < chain->calls; i++) results[i] = (Result){.manner = ONE_NUMBER, .last = -1};
  for (int32_t i = 0; i < chain->writes; i++) {
    writes[i].manner = manner_of(blocks, writes[i].strides);
    const int32_t from = register_of(chain, writes + i), how = how_of(chain, writes + i);
    // Reductions take each number by itself.
    if (from >= chain->reads) {
      Result *result = results + from - chain->reads;
      result->last = chain->calls;
      if (how != SET) result->manner = IN_ROOM;
    } else if (how != SET && reads[from].manner == ONE_NUMBER)
      reads[from].manner = IN_ROOM;
  }
  for (int32_t i = 0; i < chain->reads; i++)
    if (reads[i].manner == IN_ROOM) reads[i].room = rooms++;
  for (int32_t i = 0; i < chain->calls; i++)
    for (int32_t operand = 1; operand < 4; operand++) {
      const int32_t from = chain->call[4 * i + operand];
      if (from < 0) continue;
      const int result = from >= chain->reads;
      if (result && results[from - chain->reads].last < i) results[from - chain->reads].last = i;
      const Manner manner = result ? results[from - chain->reads].manner : reads[from].manner;
      if (manner != ONE_NUMBER) results[i].manner = IN_ROOM;
    }
  for (int32_t i = 0; i < chain->writes; i++) {
    const int32_t result = register_of(chain, writes + i) - chain->reads;
    if (result < 0 || how_of(chain, writes + i) != SET || writes[i].manner != IN_PLACE || results[result].manner != IN_ROOM) continue;
    results[result].manner = IN_PLACE;
    results[result].room = i;
  }
  for (int32_t i = 0; i < chain->calls; i++) {
    // What is taken for the last time may be written over: functions go along number by number.
    for (int32_t operand = 1; operand < 4; operand++) {
      const int32_t from = chain->call[4 * i + operand] - chain->reads;
      if (from < 0 || results[from].manner != IN_ROOM || results[from].last != i) continue;
      free_rooms[free_count++] = results[from].room;
      results[from].last = -1;
    }
    if (results[i].manner == IN_ROOM) results[i].room = free_count > 0 ? free_rooms[--free_count] : rooms++;
  }
  return rooms;
}

/**
 * The same for chains that are one block and have all that they read lying together, which is most of those that are small: a room for each result, without a look
 * at which are taken when. @returns whether it is one
 */
static int settle_at_once(const Chain *chain, const Blocks *blocks, int64_t most, Place *reads, Result *results, Place *writes) {
  if (blocks->split != 0 || blocks->rows != chain->sizes[0] || chain->calls * most > SCRATCH) return 0;
  for (int32_t i = 0; i < chain->reads; i++)
    if ((reads[i].manner = manner_of(blocks, reads[i].strides)) == IN_ROOM) return 0;
  for (int32_t i = 0; i < chain->calls; i++) results[i].manner = IN_ROOM, results[i].room = i;
  for (int32_t i = 0; i < chain->writes; i++) {
    const int32_t result = register_of(chain, writes + i) - chain->reads;
    if (result < 0) return 0;
    if (how_of(chain, writes + i) != SET || manner_of(blocks, writes[i].strides) == IN_ROOM || results[result].manner == IN_PLACE) continue;
    // Where a chain reads only its last call may write.
    for (int32_t read = 0; read < chain->reads && result < chain->calls - 1; read++)
      if (reads[read].at == writes[i].at) return 0;
    results[result].manner = IN_PLACE, results[result].room = i;
  }
  return 1;
}

static void fill(const Blocks *blocks, Place *read, float *room, int64_t rows) {
  if (read->filled == read->at && read->filled_rows >= rows) return;
  int32_t sizes[MOST_AXES];
  for (int axis = blocks->split; axis < blocks->rank; axis++) sizes[axis] = blocks->sizes[axis];
  sizes[blocks->split] = (int32_t)rows;
  const int split = blocks->split;
  const int64_t count = rows * blocks->volume, last = count / WIDTH * WIDTH;
  // Calls go over whole vectors: what lies behind the last number is to be a number too.
  if (last < count) store(room + last, (vector){0});
  copy_numbers(blocks->rank - split, sizes + split, room, blocks->together + split, read->at, read->strides + split);
  read->filled = read->at, read->filled_rows = rows;
}

static void put(const Blocks *blocks, const Place *write, int how, Operand from, int64_t rows) {
  if (how == SET && rows * blocks->volume == 1) {
    *write->at = *from.at;
    return;
  }
  static const int32_t still[MOST_AXES] = {0};
  int32_t sizes[MOST_AXES];
  for (int axis = blocks->split; axis < blocks->rank; axis++) sizes[axis] = blocks->sizes[axis];
  sizes[blocks->split] = (int32_t)rows;
  const int split = blocks->split, rank = blocks->rank - split;
  if (how == SET) copy_numbers(rank, sizes + split, write->at, write->strides + split, from.at, from.step ? blocks->together + split : still);
  else reduce_numbers(how, rank, sizes + split, write->at, write->strides + split, from.at);
}

static void move(Place *places, int32_t count, int axis, int64_t by) {
  for (int32_t i = 0; i < count; i++) places[i].at += by * places[i].strides[axis];
}

/** Part of a chain that is a copy, along the first axis that is longer than there are parts. */
static int copy_alone(const Chain *chain, Memory memory, Part part) {
  const int32_t *read = chain->read, *write = chain->write, rank = chain->rank;
  if (chain->calls != 0 || chain->reads != 1 || chain->writes != 1 || write[rank + 2] != SET) return 0;
  const Cut cut = part.of == 1 ? (Cut){-1, 1, 0} : cut_of(chain);
  if (cut.axis < 0) {
    if (part.number == 0) copy_numbers(rank, chain->sizes, at(memory, write[0]), write + 1, at(memory, read[0]), read + 1);
    return 1;
  }
  int32_t sizes[MOST_AXES];
  memcpy(sizes, chain->sizes, sizeof(int32_t) * rank);
  const int64_t begin = begin_of(part, sizes[cut.axis]);
  sizes[cut.axis] = (int32_t)(end_of(part, sizes[cut.axis]) - begin);
  if (sizes[cut.axis] > 0)
    copy_numbers(rank, sizes, at(memory, write[0]) + begin * write[1 + cut.axis], write + 1, at(memory, read[0]) + begin * read[1 + cut.axis], read + 1);
  return 1;
}

/** Places that are gone through: those from `begin` up to `end` along an axis. */
typedef struct {
  int axis;
  int32_t begin, end;
} Range;

/** Whole blocks of an axis. */
static Range range_of(const Chain *chain, const Blocks *blocks, int axis, Part part) {
  const int64_t step = axis == blocks->split ? blocks->rows : 1, size = chain->sizes[axis], count = (size + step - 1) / step;
  const int64_t end = end_of(part, count) * step;
  return (Range){axis, (int32_t)(begin_of(part, count) * step), (int32_t)(end < size ? end : size)};
}

/** All that a chain needs while it runs. */
typedef struct {
  const Chain *chain;
  Blocks blocks;
  Place *reads, *writes;
  Result *results;
  Operand *operands;
  /** Of what is one number for a whole block. */
  vector *flat;
  float *scratch;
  /** Numbers of a room of the scratch. */
  int64_t most;
} Frame;

/** One block of so many rows. */
static void run_block(const Frame *frame, int64_t rows) {
  const Chain *chain = frame->chain;
  Place *reads = frame->reads, *writes = frame->writes;
  Operand *operands = frame->operands;
  const int64_t count = rows * frame->blocks.volume, whole_vectors = (count + WIDTH - 1) / WIDTH * WIDTH;
  for (int32_t i = 0; i < chain->reads; i++) {
    Place *read = reads + i;
    if (read->manner == IN_PLACE) operands[i] = (Operand){read->at, WIDTH};
    else if (read->manner == IN_ROOM) {
      float *room = frame->scratch + read->room * frame->most;
      fill(&frame->blocks, read, room, rows);
      operands[i] = (Operand){room, WIDTH};
    } else {
      frame->flat[i] = spread(*read->at);
      operands[i] = (Operand){(const float *)(frame->flat + i), 0};
    }
  }
  for (int32_t i = 0; i < chain->calls; i++) {
    const int32_t *call = chain->call + 4 * i, out = chain->reads + i;
    const Result *result = frame->results + i;
    float *to = result->manner == IN_PLACE ? writes[result->room].at
              : result->manner == IN_ROOM  ? frame->scratch + result->room * frame->most
                                           : (float *)(frame->flat + out);
    const int64_t numbers = result->manner == IN_PLACE ? count : result->manner == IN_ROOM ? whole_vectors : WIDTH;
    const Operand first = operands[call[1]];
    if (call[0] != SUM_OF_ROW) calls[call[0]](to, first, operands[call[2]], operands[call[3]], numbers);
    else sums_of_rows(to, first.at, first.step, chain->sizes[chain->rank - 1], count, numbers);
    operands[out] = (Operand){to, result->manner == ONE_NUMBER ? 0 : WIDTH};
  }
  for (int32_t i = 0; i < chain->writes; i++) {
    const Operand from = operands[register_of(chain, writes + i)];
    const int how = how_of(chain, writes + i);
    if (from.at != writes[i].at || how != SET) put(&frame->blocks, writes + i, how, from, rows);
  }
}

/** All blocks of a range, of which the places are at the first place of the chain. */
static void run_range(const Frame *frame, Range range) {
  const Chain *chain = frame->chain;
  Place *reads = frame->reads, *writes = frame->writes;
  int32_t sizes[MOST_AXES], index[MOST_AXES] = {0};
  memcpy(sizes, chain->sizes, sizeof(int32_t) * chain->rank);
  sizes[range.axis] = range.end - range.begin;
  const int empty = range.end <= range.begin;
  if (range.begin > 0) move(reads, chain->reads, range.axis, range.begin), move(writes, chain->writes, range.axis, range.begin);
  for (int32_t i = 0; i < chain->writes; i++)
    if (how_of(chain, writes + i) != SET && (!empty || writes[i].strides[range.axis] == 0))
      begin_reduction(how_of(chain, writes + i), chain->rank, sizes, writes[i].at, writes[i].strides);
  if (empty) return;
  const int split = frame->blocks.split;
  for (;;) {
    const int64_t left = sizes[split] - index[split], rows = left < frame->blocks.rows ? left : frame->blocks.rows;
    run_block(frame, rows);
    int axis = split;
    index[axis] += (int32_t)rows;
    if (axis == 0 && index[0] == sizes[0]) return;
    if (index[axis] < sizes[axis]) {
      move(reads, chain->reads, axis, rows), move(writes, chain->writes, axis, rows);
      continue;
    }
    for (int64_t back = index[axis] - rows;; back = sizes[axis] - 1) {
      move(reads, chain->reads, axis, -back), move(writes, chain->writes, axis, -back);
      index[axis--] = 0;
      if (axis < 0) return;
      if (++index[axis] == sizes[axis]) continue;
      move(reads, chain->reads, axis, 1), move(writes, chain->writes, axis, 1);
      break;
    }
  }
}

/** To the chain's first place, but for reductions in a room, whose distances are others. */
static void to_first_place(const Frame *frame, const Cut *cut, Memory memory, float *room) {
  const Chain *chain = frame->chain;
  for (int32_t i = 0; i < chain->reads; i++) frame->reads[i].at = at(memory, read_of(chain, i)[0]), frame->reads[i].filled = 0;
  for (int32_t i = 0; i < chain->writes; i++) {
    const int32_t *write = write_of(chain, i);
    frame->writes[i].at = at(memory, write[0]);
    if (!in_pieces(chain, cut, write)) continue;
    int32_t sizes[MOST_AXES];
    frame->writes[i].at = room;
    room += kept_sizes(chain, write, sizes);
  }
}

/** The words of a write to a room: what it keeps lies together there. */
static const int32_t *words_in_room(const Chain *chain, const int32_t *write, int32_t *words) {
  int32_t sizes[MOST_AXES];
  kept_sizes(chain, write, sizes);
  int64_t distance = 1;
  for (int axis = chain->rank - 1; axis >= 0; axis--) {
    words[axis] = write[1 + axis] == 0 ? 0 : (int32_t)distance;
    distance *= sizes[axis];
  }
  words[chain->rank] = write[1 + chain->rank], words[chain->rank + 1] = write[2 + chain->rank];
  return words;
}

int run_chain(const int32_t *words, Memory memory, Part part) {
  const Chain chain = chain_of(words);
  if (copy_alone(&chain, memory, part)) return DONE;
  const Cut cut = part.of == 1 && !part.room ? (Cut){0, 1, 0} : cut_of(&chain);
  if (cut.axis < 0) return part.number == 0 ? run_chain(words, memory, (Part){0, 1, NULL}) : DONE;
  Place reads[chain.reads + 1], writes[chain.writes + 1];
  Result results[chain.calls + 1];
  int32_t free_rooms[3 * chain.calls + 1], in_room[cut.room > 0 ? chain.writes : 1][MOST_AXES + 2];
  Operand all_operands[chain.numbers + chain.reads + chain.calls + 1], *operands = all_operands + chain.numbers;
  vector vectors[chain.numbers + chain.reads + chain.calls + 1];
  // Copies and reductions read up to a vector after a row.
  float scratch[ROW_ROOM + WIDTH] __attribute__((aligned(64)));
  Frame frame = {.chain = &chain, .reads = reads, .writes = writes, .results = results, .operands = operands, .flat = vectors + chain.numbers, .scratch = scratch};
  for (int32_t i = 0; i < chain.reads; i++) reads[i].strides = read_of(&chain, i) + 1;
  for (int32_t i = 0; i < chain.writes; i++) {
    const int32_t *write = write_of(&chain, i);
    writes[i].strides = in_pieces(&chain, &cut, write) ? words_in_room(&chain, write, in_room[i]) : write + 1;
  }
  to_first_place(&frame, &cut, memory, part.room);
  for (int32_t i = 0; i < chain.numbers; i++) {
    vectors[i] = spread(float_of(chain.number[i]));
    operands[-1 - i] = (Operand){(const float *)(vectors + i), 0};
  }
  // Of many arrays fewer numbers each stay in the first cache.
  int64_t most = chain.reads + chain.calls + chain.writes > MANY_ARRAYS ? LARGEST_BLOCK / 2 : LARGEST_BLOCK;
  int64_t row = 0;
  for (int again = 0;; again = 1) {
    divide(&frame.blocks, chain.rank, chain.sizes, most);
    const int64_t together = (frame.blocks.rows * frame.blocks.volume + WIDTH - 1) / WIDTH * WIDTH;
    if (settle_at_once(&chain, &frame.blocks, together, reads, results, writes)) {
      most = together;
      break;
    }
    if (!again && most < (row = row_of_chain(&chain))) {
      most = row;
      continue;
    }
    if (rows_apart(&chain, &frame.blocks, reads, writes)) {
      most = (frame.blocks.volume + WIDTH - 1) / WIDTH * WIDTH;
      continue;
    }
    const int64_t rooms = settle(&chain, &frame.blocks, reads, results, writes, free_rooms);
    if (rooms > MOST_ROOMS) return WRONG_WORDS;
    if (rooms * most <= (most == row ? ROW_ROOM : SCRATCH)) break;
    if (most == row) return WRONG_WORDS;
    // Fewer numbers a block, of which more may need a room then.
    most = SCRATCH / rooms / WIDTH * WIDTH;
    if (most < row) most = row;
  }
  frame.most = most;
  if (cut.room == 0) {
    run_range(&frame, range_of(&chain, &frame.blocks, cut.axis, part));
    return DONE;
  }
  for (int32_t piece = (int32_t)begin_of(part, PIECES); piece < end_of(part, PIECES); piece++) {
    to_first_place(&frame, &cut, memory, part.room + piece * cut.room);
    run_range(&frame, range_of(&chain, &frame.blocks, cut.axis, (Part){.number = piece, .of = PIECES}));
  }
  return DONE;
}
