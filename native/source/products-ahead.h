// What a kernel asks for while it sums, so that it is near when it is read: a little with every term, since much at once would keep the terms waiting.
#ifndef INNERLOOP_PRODUCTS_AHEAD_H
#define INNERLOOP_PRODUCTS_AHEAD_H

#include <stdint.h>

/** Numbers of a line of the caches. */
#define LINE 16

/** A line for each of some terms: `places` from `from` on. What lies beyond the end of memory is asked for in vain. */
typedef struct {
  const float *from;
  const int32_t *places;
  int64_t terms;
} Coming;

/** `outer` steps of `inner` lines each, of which every call asks for some steps, or for a piece of one. */
typedef struct {
  const float *from;
  int64_t outer, outer_step, inner, inner_step;
  int64_t steps, lines, pieces, piece;
} Ahead;

static inline Ahead ahead_of(int64_t outer, int64_t outer_step, int64_t inner, int64_t inner_step, int64_t calls) {
  const int64_t steps = (outer + calls - 1) / calls, fit = calls / outer, pieces = steps > 1 ? 1 : fit < inner ? fit : inner;
  return (Ahead){.outer = outer, .outer_step = outer_step, .inner = inner, .inner_step = inner_step, .steps = steps, .lines = (inner + pieces - 1) / pieces, .pieces = pieces};
}

/** Lines of a call. */
static inline int64_t lines_of(const Ahead *ahead) { return ahead->steps * ahead->lines; }

/** Those of a call, from its first on, spread over some terms. */
static inline Coming coming_of(const Ahead *ahead, int32_t *places, int64_t terms) {
  const uint32_t lines = (uint32_t)lines_of(ahead), each = (uint32_t)ahead->lines;
  for (int64_t p = 0; p < terms; p++) {
    const uint32_t line = (uint32_t)p * lines / (uint32_t)terms, step = line / each;
    places[p] = (int32_t)(step * ahead->outer_step + (line - step * each) * ahead->inner_step);
  }
  return (Coming){.places = places, .terms = terms};
}

/** From `from` on, anew. */
static inline void ask(Ahead *ahead, const float *from) { ahead->from = from, ahead->piece = 0; }

/** The first line of the next call. */
static inline const float *next_of(Ahead *ahead) {
  const float *from = ahead->from + ahead->piece * ahead->lines * ahead->inner_step;
  if (++ahead->piece == ahead->pieces) ahead->piece = 0, ahead->from += ahead->steps * ahead->outer_step;
  return from;
}

#endif
