// One or two rows take each number of a large right factor once or twice, so that its way from memory is all that counts: some rows of it are read side by side,
// from one end to the other, as processors foresee. Tiles of columns would begin anew in every row.
#include "products-thin.h"

#include "bounds.h"
#include "vectors.h"

/** Terms that are taken together, and columns whose sums stay in the first cache from one of these to the next. */
#define TERMS 8
#define COLUMNS 1024

/** Some terms of all sums of some columns. What is added is there before the first of them; the last ones may end what is below zero. */
INLINE void take(const int rows, const int terms, const Matrices *matrices, int64_t column, int64_t columns, int64_t term) {
  const int64_t right_row = matrices->right_row;
  const Into into = into_from(matrices->into, 0, column);
  const int first = term == 0, relu = into.relu && term + terms == matrices->k;
  const float *right = matrices->right + term * right_row + column, *begun = first ? into.added : into.out;
  const int64_t begun_row = first ? into.added_row : into.out_row;
  const vector beta = spread(first ? into.beta : 1);
  vector left[MOST_THIN_ROWS][TERMS];
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int p = 0; p < terms; p++)
    left[r][p] = spread(into.alpha * matrices->left[r * matrices->left_row + (term + p) * matrices->left_column]);
  for (int64_t j = 0; j < columns; j += WIDTH) {
    vector numbers[TERMS];
    UNROLLED for (int p = 0; p < terms; p++) numbers[p] = load(right + p * right_row + j);
    UNROLLED for (int r = 0; r < rows; r++) {
      vector sum = begun ? beta * load(begun + r * begun_row + j) : (vector){0};
      UNROLLED for (int p = 0; p < terms; p++) sum += left[r][p] * numbers[p];
      if (relu) sum = choose(sum < 0, (vector){0}, sum);
      float *out = into.out + r * into.out_row + j;
      if (j + WIDTH <= columns) store(out, sum);
      else store_first(out, sum, (int)(columns - j));
    }
  }
}

typedef void (*Taking)(const Matrices *matrices, int64_t column, int64_t columns, int64_t term);

#define TAKING(name, rows, terms) \
  static void name(const Matrices *matrices, int64_t column, int64_t columns, int64_t term) { take(rows, terms, matrices, column, columns, term); }
TAKING(one_by_one, 1, 1) TAKING(one_by_many, 1, TERMS) TAKING(two_by_one, 2, 1) TAKING(two_by_many, 2, TERMS)

void run_thin(const Matrices *matrices) {
  const Taking by_one = matrices->m == 1 ? one_by_one : two_by_one, by_many = matrices->m == 1 ? one_by_many : two_by_many;
  for (int64_t at = 0; at < matrices->n; at += COLUMNS) {
    const int64_t columns = least(COLUMNS, matrices->n - at);
    int64_t term = 0;
    for (; term + TERMS <= matrices->k; term += TERMS) by_many(matrices, at, columns, term);
    for (; term < matrices->k; term++) by_one(matrices, at, columns, term);
  }
}
