// One or two rows take each number of a large right factor once or twice, so that its way from memory is all that counts: some rows of it are read side by side,
// from one end to the other, as processors foresee. Tiles of columns would begin anew in every row.
#include "products-thin.h"

#include "vectors.h"

/** Terms that are taken together, and columns whose sums stay in the first cache from one of these to the next. */
#define TERMS 8
#define COLUMNS 1024

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

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

#define THIN(rows, terms) \
  static void take_##rows##_##terms(const Matrices *matrices, int64_t column, int64_t columns, int64_t term) { take(rows, terms, matrices, column, columns, term); }
THIN(1, 1) THIN(1, 8) THIN(2, 1) THIN(2, 8)

void run_thin(const Matrices *matrices) {
  const int one = matrices->m == 1;
  for (int64_t at = 0; at < matrices->n; at += COLUMNS) {
    const int64_t columns = least(COLUMNS, matrices->n - at);
    int64_t term = 0;
    for (; term + TERMS <= matrices->k; term += TERMS) (one ? take_1_8 : take_2_8)(matrices, at, columns, term);
    for (; term < matrices->k; term++) (one ? take_1_1 : take_2_1)(matrices, at, columns, term);
  }
}
