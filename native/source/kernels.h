// What each instruction does; what its words say is in words.md. `words` begins with the instruction's code, the numbers of `memory` at a multiple of 64 bytes.
#ifndef INNERLOOP_KERNELS_H
#define INNERLOOP_KERNELS_H

#include <stdint.h>
#include <string.h>

/** What a run ends with. */
enum { DONE = 0, BEYOND_AXIS = 1, WRONG_WORDS = 2 };

/** Flags of a product. */
enum { ADDED = 1, RELU = 2, LOOKUP_ROWS = 4, LOOKUP_COLUMNS = 8 };

/** Places from here on are of arrays of their own, results and such as are only read, each of which begins at a piece. */
enum { RESULTS = 1 << 30, PIECE_BITS = 18, MOST_PIECES = RESULTS >> PIECE_BITS };

typedef struct {
  float *numbers;
  /** Where each piece of those arrays lies. */
  float *const *pieces;
} Memory;

static inline int64_t pieces_of(int64_t numbers) { return (numbers + (1 << PIECE_BITS) - 1) >> PIECE_BITS; }

/** Where a place lies. */
static inline float *at(Memory memory, int32_t place) {
  if (place < RESULTS) return memory.numbers + place;
  const int32_t from = place - RESULTS;
  return memory.pieces[from >> PIECE_BITS] + (from & ((1 << PIECE_BITS) - 1));
}

/** The number that a word is the bits of. */
static inline float float_of(int32_t bits) {
  float number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

/** Which part of an instruction is done, of how many; threads do a part each. Numbers are the same however many there are. */
typedef struct {
  int32_t number, of;
  /** Of chains whose pieces are joined at the end (room_of_chain): what all parts have in common for that. */
  float *room;
} Part;

/** What part of `count` things begins where the one before it ends. */
static inline int64_t begin_of(Part part, int64_t count) { return part.of == 1 ? part.number * count : count * part.number / part.of; }

static inline int64_t end_of(Part part, int64_t count) { return begin_of((Part){.number = part.number + 1, .of = part.of}, count); }

int run_product(const int32_t *words, Memory memory, Part part);
int run_chain(const int32_t *words, Memory memory, Part part);
int run_norm(const int32_t *words, Memory memory, Part part);
int run_rowwise(const int32_t *words, Memory memory, Part part);
int run_rows(const int32_t *words, Memory memory, Part part);
int run_scatter(const int32_t *words, Memory memory, Part part);
int run_move(const int32_t *words, Memory memory, Part part);

/** The word of windows that says how many taps there are; those follow. */
enum { TAPS_OF_WINDOWS = 27 };
int run_windows(const int32_t *words, Memory memory, Part part);
int run_points(const int32_t *words, Memory memory, Part part);

/** Numbers of the room that parts of a chain need in common, CHAIN_ROOM at most; 0: none. A vector behind them may be read. Whoever gives it joins what is in it (join_chain) when all parts are done. */
enum { CHAIN_ROOM = 16 * 1024 };
int64_t room_of_chain(const int32_t *words);
void join_chain(const int32_t *words, Memory memory, const float *room);

/** In how many parts a chain can be done. */
int64_t parts_of_chain(const int32_t *words);

typedef struct Pool Pool;

/** Runs `count` words of instructions, one after another. @param threads how many do a large one at most @param pool where they are; for one it may be NULL */
int run_program(const int32_t *words, int64_t count, Memory memory, Pool *pool, int threads);

/** What a program may read and write: so many numbers of a memory, and arrays beside it. */
typedef struct {
  const float *memory;
  int64_t numbers;
  /** Of each array: how many numbers a result has; below zero, what is only read. */
  const int32_t *sizes;
  int64_t count;
} Room;

static inline int64_t numbers_of(int64_t size) { return size < 0 ? -size : size; }

/** Where the first instruction is that would read or write beyond that, or is none; below zero where all are right. */
int64_t check_program(const int32_t *words, int64_t count, Room room);

#endif
