// The instructions of a program one after another, and turns of them. Those with enough work are done in parts by all threads.
#include "chain.h"
#include "pool.h"

/** How much work an instruction has is told by its sizes, and by what processors do in a nanosecond: of products, small ones, since it is for these that it matters. */
#define PRODUCTS_A_NS 32
#define PLACES_A_NS 16
/** Multiplications that take as long as to fetch a number from what another processor has written. */
#define PRODUCTS_A_NUMBER 12
#define NUMBERS_A_NS 2

typedef struct {
  Memory memory;
  Pool *pool;
  int threads;
} Run;

/** None where it is little beside what every part would read again: of a long sum for few rows and columns. */
static int64_t work_of_product(const int32_t *words) {
  const int64_t m = words[3], n = words[4], k = words[5];
  int64_t products = m * n * k;
  if (words[22] == 0 && k > m && k > n && m * n < PRODUCTS_A_NUMBER * (m + n)) return 0;
  for (int axis = 0; axis < words[22]; axis++) products *= words[23 + 5 * axis];
  return products / PRODUCTS_A_NS;
}

static int64_t work_of_chain(const int32_t *words) {
  const Chain chain = chain_of(words);
  return places_of(&chain) * (chain.reads + chain.calls + chain.writes) / PLACES_A_NS;
}

/** In how many parts an instruction is done. */
static int parts_of(const Run *run, const int32_t *words) {
  if (run->threads <= 1) return 1;
  int64_t work = 0, most = run->threads;
  switch (words[0]) {
    case 1: work = work_of_product(words); break;
    case 2: work = work_of_chain(words); break;
    case 3: work = (int64_t)words[2] * words[3] / NUMBERS_A_NS; break;
    case 4: work = (int64_t)words[3] * words[4] / NUMBERS_A_NS; break;
    case 5: work = (int64_t)words[2] * words[3] * words[4] / NUMBERS_A_NS; break;
    case 8: work = (int64_t)words[3] * words[4] * words[5] * words[6] * words[TAPS_OF_WINDOWS] / PLACES_A_NS; break;
    case 9: work = (int64_t)words[3] * words[4] * words[5] * words[6] * words[15] * words[16] * (words[13] + words[14]) / PRODUCTS_A_NS; break;
    case 10: work = ((int64_t)words[3] + words[5]) * words[4] / NUMBERS_A_NS; break;
    default: return 1;
  }
  const int64_t worth = parts_worth(run->pool, work);
  if (worth > 1 && words[0] == 2) most = parts_of_chain(words);
  if (most > run->threads) most = run->threads;
  return (int)(worth < most ? worth : most);
}

static int in_all_parts(const Run *run, Work work, const int32_t *words, float *room) {
  const int parts = parts_of(run, words);
  if (parts <= 1) return work(words, run->memory, (Part){0, 1, room});
  return in_parts(run->pool, work, words, run->memory, (Part){0, parts, room});
}

static int all_of_chain(const Run *run, const int32_t *words) {
  const int64_t numbers = room_of_chain(words);
  if (numbers == 0) return in_all_parts(run, run_chain, words, NULL);
  float room[CHAIN_ROOM + 16];
  const int outcome = in_all_parts(run, run_chain, words, room);
  if (outcome == DONE) join_chain(words, run->memory, room);
  return outcome;
}

static int run_words(const Run *run, const int32_t *words, int64_t count);

static int run_turns(const Run *run, const int32_t *words) {
  for (int32_t turn = 0; turn < words[2]; turn++) {
    *at(run->memory, words[3]) = (float)turn;
    const int outcome = run_words(run, words + 5, words[4]);
    if (outcome != DONE) return outcome;
  }
  return DONE;
}

static int run_instruction(const Run *run, const int32_t *words) {
  switch (words[0]) {
    case 1: return in_all_parts(run, run_product, words, NULL);
    case 2: return all_of_chain(run, words);
    case 3: return in_all_parts(run, run_norm, words, NULL);
    case 4: return in_all_parts(run, run_rowwise, words, NULL);
    case 5: return in_all_parts(run, run_rows, words, NULL);
    case 6: return in_all_parts(run, run_move, words, NULL);
    case 7: return run_turns(run, words);
    case 8: return in_all_parts(run, run_windows, words, NULL);
    case 9: return in_all_parts(run, run_points, words, NULL);
    case 10: return in_all_parts(run, run_scatter, words, NULL);
    default: return WRONG_WORDS;
  }
}

static int run_words(const Run *run, const int32_t *words, int64_t count) {
  for (const int32_t *end = words + count; words < end; words += words[1]) {
    const int outcome = run_instruction(run, words);
    if (outcome != DONE) return outcome;
  }
  return DONE;
}

int run_program(const int32_t *words, int64_t count, Memory memory, Pool *pool, int threads) {
  const Run run = {memory, pool, pool && threads > 1 ? with_threads(pool, threads) : 1};
  return run_words(&run, words, count);
}
