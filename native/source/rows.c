// Numbers that lie together from where an index or a turn says.
#include <string.h>

#include "kernels.h"

/** Whether an index is one of its axis; what is below zero counts from the axis' end. */
static int find(double given, int32_t limit, int32_t *row) {
  const double index = given < 0 ? given + limit : given;
  if (!(index >= 0 && index < limit)) return 0;
  *row = (int32_t)index;
  return 1;
}

int run_rows(const int32_t *words, float *memory, Part part) {
  const int32_t outer = words[2], count = words[3], inner = words[4], limit = words[5];
  const int64_t from_outer = words[7], from_row = words[8], step = words[10], out_outer = words[13], out_row = words[14];
  const int32_t *table = words[11] < 0 ? 0 : (const int32_t *)memory + words[11];
  for (int64_t i = begin_of(part, count), end = end_of(part, count); i < end; i++) {
    int32_t row;
    if (!find(table ? table[i] : memory[words[9] + i * step], limit, &row)) return BEYOND_AXIS;
    const float *from = memory + words[6] + row * from_row;
    float *to = memory + words[12] + i * out_row;
    for (int32_t o = 0; o < outer; o++, from += from_outer, to += out_outer)
      if (inner == 1) *to = *from;
      else memcpy(to, from, sizeof(float) * inner);
  }
  return DONE;
}

int run_move(const int32_t *words, float *memory, Part part) {
  if (part.number > 0) return DONE;
  const int64_t turn = words[7] < 0 ? 0 : (int64_t)memory[words[7]];
  // One may lie where the other does: what a loop hands on to itself.
  memmove(memory + words[5] + turn * words[6], memory + words[3] + turn * words[4], sizeof(float) * words[2]);
  return DONE;
}
