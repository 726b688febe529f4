// Windows over rows and columns of arrays whose channels lie together, channel by channel: sums with weights, what such sums give weights, the
// largest number and where it is, and what is brought back there. A vector is some channels of one place.
#include "windows.h"

#include <stddef.h>

#include "bounds.h"
#include "kernels.h"
#include "vectors.h"

/** Taps whose weights or sums are held in registers, where there are as many as one of the kernels has. */
#define MOST_HELD 9

/** Taps that are within for some windows side by side. */
typedef struct {
  int count;
  /** From the window's own place in the field, and from the first weight, in numbers. */
  int64_t at[MOST_TAPS], weight[MOST_TAPS];
  /** How many places of the field further, in the order of rows and columns. */
  int32_t places[MOST_TAPS];
} Near;

/** Windows side by side: the places of the first one, and how far the next ones are. */
typedef struct {
  const float *from;
  float *field, *out, *where;
  int64_t count, field_step, out_step, where_step;
  /** Places of the field before the first window's own, all channels of one place counted as `plane` places apart. */
  int32_t place, place_step;
} Span;

/** The first whole number that is not below a / b. */
static int64_t ceiled(int64_t a, int64_t b) { return a > 0 ? (a + b - 1) / b : -(-a / b); }

INLINE void put(float *to, vector numbers, int lanes) {
  if (lanes == WIDTH) store(to, numbers);
  else store_first(to, numbers, lanes);
}

INLINE void sums(const int held, const Windows *w, const Near *near, const Span *span, int64_t c, int lanes) {
  const int count = held ? held : near->count;
  vector weights[MOST_HELD];
  UNROLLED
  for (int t = 0; t < held; t++) weights[t] = load(w->weight + near->weight[t] + c);
  const vector bias = w->bias ? load(w->bias + c) : (vector){0};
  const float *from = span->from + c;
  float *out = span->out + c;
  for (int64_t x = 0; x < span->count; x++, from += span->field_step, out += span->out_step) {
    vector sum = bias;
    UNROLLED
    for (int t = 0; t < count; t++) sum += load(from + near->at[t]) * (held ? weights[t] : load(w->weight + near->weight[t] + c));
    put(out, sum, lanes);
  }
}

/** Sums of one row are taken by themselves before they are added: there are many terms. */
INLINE void weigh(const int held, const Windows *w, const Near *near, const Span *span, int64_t c, int lanes) {
  if (held) {
    vector total[MOST_HELD];
    UNROLLED
    for (int t = 0; t < held; t++) total[t] = (vector){0};
    const float *from = span->from + c, *out = span->out + c;
    for (int64_t x = 0; x < span->count; x++, from += span->field_step, out += span->out_step) {
      const vector times = load(out);
      UNROLLED
      for (int t = 0; t < held; t++) total[t] += load(from + near->at[t]) * times;
    }
    UNROLLED
    for (int t = 0; t < held; t++) {
      float *to = w->weight + near->weight[t] + c;
      put(to, load(to) + total[t], lanes);
    }
    return;
  }
  for (int t = 0; t < near->count; t++) {
    vector total = {0};
    const float *from = span->from + near->at[t] + c, *out = span->out + c;
    for (int64_t x = 0; x < span->count; x++, from += span->field_step, out += span->out_step) total += load(from) * load(out);
    float *to = w->weight + near->weight[t] + c;
    put(to, load(to) + total, lanes);
  }
}

/** What `where` says of the first place, in each channel of a vector. */
INLINE vector channels_from(const Windows *w, int64_t c) {
  vector channels;
  for (int lane = 0; lane < WIDTH; lane++) channels[lane] = (float)((c + lane) * w->plane);
  return channels;
}

INLINE void maxima(const int held, const Windows *w, const Near *near, const Span *span, int64_t c, int lanes) {
  const int count = held ? held : near->count;
  const vector channels = channels_from(w, c);
  const float *from = span->from + c;
  float *out = span->out + c, *where = span->where + c;
  int32_t place = span->place;
  for (int64_t x = 0; x < span->count; x++, from += span->field_step, out += span->out_step) {
    vector best = count ? load(from + near->at[0]) : spread(-__builtin_inff());
    vector found = spread((float)(place + near->places[0]));
    UNROLLED
    for (int t = 1; t < count; t++) {
      const vector number = load(from + near->at[t]);
      const whole more = number > best;
      best = choose(more, number, best);
      if (w->where) found = choose(more, spread((float)(place + near->places[t])), found);
    }
    put(out, best, lanes);
    if (!w->where) continue;
    put(where, found + channels, lanes);
    where += span->where_step;
    place += span->place_step;
  }
}

INLINE void back(const int held, const Windows *w, const Near *near, const Span *span, int64_t c, int lanes) {
  const int count = held ? held : near->count;
  const vector channels = channels_from(w, c);
  const float *out = span->out + c, *where = span->where + c;
  float *field = span->field + c;
  int32_t place = span->place;
  for (int64_t x = 0; x < span->count; x++, field += span->field_step, out += span->out_step, where += span->where_step) {
    const vector number = load(out), found = load(where) - channels;
    UNROLLED
    for (int t = 0; t < count; t++) {
      float *to = field + near->at[t];
      const whole here = found == spread((float)(place + near->places[t]));
      put(to, load(to) + choose(here, number, (vector){0}), lanes);
    }
    place += span->place_step;
  }
}

#define WITH(held)                                             \
  switch (w->what) {                                           \
    case SUMS: sums(held, w, near, span, c, lanes); break;     \
    case WEIGHTS: weigh(held, w, near, span, c, lanes); break; \
    case MAXIMA: maxima(held, w, near, span, c, lanes); break; \
    default: back(held, w, near, span, c, lanes);              \
  }                                                            \
  break

/** Whole vectors have kernels of their own, which know that they are. */
INLINE void run_vector(const Windows *w, const Near *near, const Span *span, int64_t c, const int lanes) {
  switch (near->count) {
    case 1: WITH(1);
    case 2: WITH(2);
    case 4: WITH(4);
    case 6: WITH(6);
    case 9: WITH(9);
    default: WITH(0);
  }
}

/** Some windows of a row side by side, whose taps are within for all of them, in some channels. */
static void run_span(const Windows *w, const Near *near, const Span *span, int64_t c, int64_t end) {
  for (; c + WIDTH <= end; c += WIDTH) run_vector(w, near, span, c, WIDTH);
  if (c < end) run_vector(w, near, span, c, (int)(end - c));
}

/** Those taps of one row of windows that are within for the windows from column `first` to before `end`. */
static void gather_near(const Windows *w, int64_t row, int64_t first, int64_t end, Near *near) {
  near->count = 0;
  for (int t = 0; t < w->taps; t++) {
    const int32_t *tap = w->tap + 3 * t;
    const int64_t y = row * w->step_row + tap[0];
    if (y < 0 || y >= w->in_rows || first * w->step_column + tap[1] < 0 || (end - 1) * w->step_column + tap[1] >= w->in_columns) continue;
    near->at[near->count] = tap[0] * w->field_row + tap[1] * w->field_column;
    near->weight[near->count] = tap[2];
    near->places[near->count++] = (int32_t)(tap[0] * w->in_columns + tap[1]);
  }
}

static void run_columns(const Windows *w, int64_t example, int64_t row, int64_t first, int64_t end, int64_t c, int64_t last) {
  if (first >= end) return;
  Near near;
  near.places[0] = 0;
  gather_near(w, row, first, end, &near);
  const int64_t at = example * w->field_example + row * w->step_row * w->field_row + first * w->step_column * w->field_column;
  const Span span = {
      w->field + at,
      w->field + at,
      w->out + example * w->out_example + row * w->out_row + first * w->out_column,
      w->where ? w->where + example * w->where_example + row * w->where_row + first * w->where_column : NULL,
      end - first,
      w->step_column * w->field_column,
      w->out_column,
      w->where_column,
      (int32_t)(example * w->channels * w->plane + row * w->step_row * w->in_columns + first * w->step_column),
      (int32_t)w->step_column,
  };
  run_span(w, &near, &span, c, last);
}

/** Columns from which, and before which, all taps are within. */
static void find_inner(const Windows *w, int64_t *first, int64_t *end) {
  *first = 0, *end = w->columns;
  for (int t = 0; t < w->taps; t++) {
    const int64_t column = w->tap[3 * t + 1];
    *first = most(*first, ceiled(-column, w->step_column));
    *end = least(*end, ceiled(w->in_columns - column, w->step_column));
  }
  *first = least(*first, w->columns);
  *end = most(*end, *first);
}

/** Rows of windows of all examples one after another, in some channels. */
static void run_some(const Windows *w, int64_t row, int64_t last_row, int64_t c, int64_t last) {
  int64_t first, end;
  find_inner(w, &first, &end);
  for (; row < last_row; row++) {
    const int64_t example = row / w->rows, y = row % w->rows;
    for (int64_t x = 0; x < first; x++) run_columns(w, example, y, x, x + 1, c, last);
    run_columns(w, example, y, first, end, c, last);
    for (int64_t x = end; x < w->columns; x++) run_columns(w, example, y, x, x + 1, c, last);
  }
}

static void clear(float *to, int64_t count) { memset(to, 0, sizeof(float) * count); }

int run_windows(const int32_t *words, Memory memory, Part part) {
  Windows w;
  read_windows(words, memory, &w);
  const int64_t rows = w.examples * w.rows;
  if (w.what == SUMS || w.what == MAXIMA) {
    run_some(&w, begin_of(part, rows), end_of(part, rows), 0, w.channels);
    return DONE;
  }
  // What all windows add to is taken by channels, which are nobody else's.
  const int64_t vectors = (w.channels + WIDTH - 1) / WIDTH;
  const int64_t first = begin_of(part, vectors) * WIDTH, end = least(w.channels, end_of(part, vectors) * WIDTH);
  if (first >= end) return DONE;
  if (w.what == WEIGHTS)
    for (int t = 0; t < w.taps; t++) clear(w.weight + w.tap[3 * t + 2] + first, end - first);
  else
    for (int64_t example = 0; example < w.examples; example++)
      for (int64_t y = 0; y < w.in_rows; y++)
        for (int64_t x = 0; x < w.in_columns; x++)
          clear(w.field + example * w.field_example + y * w.field_row + x * w.field_column + first, end - first);
  run_some(&w, 0, rows, first, end);
  return DONE;
}
