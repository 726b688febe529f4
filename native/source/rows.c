// Numbers that lie together from where an index or a turn says, or to there.
#include <string.h>

#include "kernels.h"
#include "reduce.h"

/** A base of zeros that are there already. */
#define CLEARED -2

/** Whether an index is one of its axis; what is below zero counts from the axis' end. */
static int find(double given, int32_t limit, int32_t *row) {
  const double index = given < 0 ? given + limit : given;
  if (!(index >= 0 && index < limit)) return 0;
  *row = (int32_t)index;
  return 1;
}

int run_rows(const int32_t *words, Memory memory, Part part) {
  const int32_t outer = words[2], count = words[3], inner = words[4], limit = words[5];
  const int64_t from_outer = words[7], from_row = words[8], step = words[10], out_outer = words[13], out_row = words[14];
  const int32_t *table = words[11] < 0 ? 0 : (const int32_t *)at(memory, words[11]);
  for (int64_t i = begin_of(part, count), end = end_of(part, count); i < end; i++) {
    int32_t row;
    if (!find(table ? table[i] : at(memory, words[9])[i * step], limit, &row)) return BEYOND_AXIS;
    const float *from = at(memory, words[6]) + row * from_row;
    float *to = at(memory, words[12]) + i * out_row;
    for (int32_t o = 0; o < outer; o++, from += from_outer, to += out_outer)
      if (inner == 1) *to = *from;
      else memcpy(to, from, sizeof(float) * inner);
  }
  return DONE;
}

static void join(int how, int32_t size, float *to, const float *from) {
  if (how == SET) memcpy(to, from, sizeof(float) * size);
  else if (how == SUM)
    for (int32_t i = 0; i < size; i++) to[i] += from[i];
  else if (how == MAX)
    for (int32_t i = 0; i < size; i++) to[i] = from[i] > to[i] ? from[i] : to[i];
  else
    for (int32_t i = 0; i < size; i++) to[i] = from[i] < to[i] ? from[i] : to[i];
}

/** A part has rows of its own, and takes all that comes to them in its order. */
int run_scatter(const int32_t *words, Memory memory, Part part) {
  const int32_t how = words[2], count = words[3], inner = words[4], limit = words[5];
  const int64_t base_row = words[7], from_row = words[9], step = words[11], out_row = words[14];
  const int64_t first = begin_of(part, limit), end = end_of(part, limit);
  const int32_t *table = words[12] < 0 ? 0 : (const int32_t *)at(memory, words[12]);
  float *out = at(memory, words[13]);
  for (int64_t row = words[6] == CLEARED ? end : first; row < end; row++)
    if (words[6] < 0) memset(out + row * out_row, 0, sizeof(float) * inner);
    else memcpy(out + row * out_row, at(memory, words[6]) + row * base_row, sizeof(float) * inner);
  for (int64_t i = 0; i < count; i++) {
    int32_t row;
    if (!find(table ? table[i] : at(memory, words[10])[i * step], limit, &row)) return BEYOND_AXIS;
    if (row >= first && row < end) join(how, inner, out + row * out_row, at(memory, words[8]) + i * from_row);
  }
  return DONE;
}

int run_move(const int32_t *words, Memory memory, Part part) {
  if (part.number > 0) return DONE;
  const int64_t turn = words[7] < 0 ? 0 : (int64_t)*at(memory, words[7]);
  // One may lie where the other does: what a loop hands on to itself.
  memmove(at(memory, words[5]) + turn * words[6], at(memory, words[3]) + turn * words[4], sizeof(float) * words[2]);
  return DONE;
}
