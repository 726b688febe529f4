// The instructions of a program one after another, and turns of them.
#include "kernels.h"

static int run_turns(const int32_t *words, float *memory) {
  for (int32_t turn = 0; turn < words[2]; turn++) {
    memory[words[3]] = (float)turn;
    const int outcome = run_program(words + 5, words[4], memory);
    if (outcome != DONE) return outcome;
  }
  return DONE;
}

static int run_instruction(const int32_t *words, float *memory) {
  switch (words[0]) {
    case 1: return run_product(words, memory, (Part){0, 1});
    case 2: return run_chain(words, memory);
    case 3: return run_norm(words, memory);
    case 4: return run_rowwise(words, memory);
    case 5: return run_rows(words, memory);
    case 6: return run_move(words, memory);
    case 7: return run_turns(words, memory);
    case 8: return run_windows(words, memory, (Part){0, 1});
    default: return WRONG_WORDS;
  }
}

int run_program(const int32_t *words, int64_t count, float *memory) {
  for (const int32_t *end = words + count; words < end; words += words[1]) {
    const int outcome = run_instruction(words, memory);
    if (outcome != DONE) return outcome;
  }
  return DONE;
}
