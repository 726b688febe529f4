// What an instruction of windows says (words.md).
#ifndef INNERLOOP_WINDOWS_H
#define INNERLOOP_WINDOWS_H

#include <stdint.h>

#include "kernels.h"

/** Taps that a window may have. */
#define MOST_TAPS 64
/** Words before those of taps. */
#define WINDOWS_WORDS (TAPS_OF_WINDOWS + 1)

enum { SUMS = 0, WEIGHTS = 1, MAXIMA = 2, BACK = 3 };

typedef struct {
  int what;
  int64_t examples, channels, rows, columns, step_row, step_column, in_rows, in_columns;
  float *field;
  int64_t field_example, field_row, field_column;
  float *out;
  int64_t out_example, out_row, out_column;
  /** NULL for what is none. */
  float *weight;
  const float *bias;
  float *where;
  int64_t where_example, where_row, where_column;
  /** Places of the field in one channel. */
  int64_t plane;
  int taps;
  /** Of each: rows and columns further, and where its weights begin. */
  const int32_t *tap;
} Windows;

static inline void read_windows(const int32_t *words, Memory memory, Windows *w) {
  w->what = words[2];
  w->examples = words[3], w->channels = words[4], w->rows = words[5], w->columns = words[6];
  w->step_row = words[7], w->step_column = words[8], w->in_rows = words[9], w->in_columns = words[10];
  w->field = at(memory, words[11]);
  w->field_example = words[12], w->field_row = words[13], w->field_column = words[14];
  w->out = at(memory, words[15]);
  w->out_example = words[16], w->out_row = words[17], w->out_column = words[18];
  w->weight = words[19] < 0 ? 0 : at(memory, words[19]);
  w->bias = words[21] < 0 ? 0 : at(memory, words[21]);
  w->where = words[23] < 0 ? 0 : at(memory, words[23]);
  w->where_example = words[24], w->where_row = words[25], w->where_column = words[26];
  w->plane = w->in_rows * w->in_columns;
  w->taps = words[TAPS_OF_WINDOWS];
  w->tap = words + WINDOWS_WORDS;
}

#endif
