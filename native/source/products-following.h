// What the next place of a batch takes, which comes nearer while kernels take this one: a line with each term.
#ifndef INNERLOOP_PRODUCTS_FOLLOWING_H
#define INNERLOOP_PRODUCTS_FOLLOWING_H

#include "products-ahead.h"
#include "products-tiles.h"

/** Numbers of a factor at most, so that both of the next place fit in the second cache beside those of this. */
#define MOST_FOLLOWING (16 * 1024)

/** Of a factor, how far it is to that of the next place, if it is another one and its numbers lie together: so many of them. */
typedef struct {
  int64_t distance, numbers;
} Following;

/** @param row, column distances @param step from place to place */
static inline Following following_of(int64_t rows, int64_t columns, int64_t row, int64_t column, int64_t step) {
  const int together = (column == 1 && row == columns) || (row == 1 && column == rows);
  const int64_t numbers = rows * columns;
  return (Following){step, together && step != 0 && numbers <= MOST_FOLLOWING ? numbers : 0};
}

/** What of it has not been asked for. */
typedef struct {
  const float *at, *end;
} Rest;

static inline Rest rest_of(const Following *following, const float *now) {
  return (Rest){now + following->distance, now + following->distance + following->numbers};
}

/** What a kernel asks for. @param rests of both factors @param rows where nothing is left of those: the left factor's numbers of rows to come, of term after term */
static inline void ask_with(Tile *tile, Rest *rests, const float *rows, int64_t step) {
  Rest *rest = rests->at < rests->end ? rests : rests + 1;
  const int some = rest->at < rest->end;
  tile->coming = some ? rest->at : rows;
  tile->coming_step = some ? LINE : step;
  if (some) rest->at += (tile->pieces * tile->terms - tile->asking) * LINE;
}

#endif
