// Rows by columns: vectors run along the sum, and their lanes are added at its end.
#include "products-dots.h"

#include <stddef.h>

#include "lanes.h"
#include "squares.h"

/** Columns that are taken together, and the most rows. */
#define COLUMNS 4
#define ROWS 6

/** The numbers of two vectors that stand `side` lanes apart, added: of one in its lanes whose number has that bit not, of the other in the rest. */
#define PAIRED(a, b, side) (PICK(a, b, LEFT_##side) + PICK(a, b, RIGHT_##side))

/** Rows whose sums fit in a vector. */
#define ROWS_TOGETHER (WIDTH / COLUMNS)

/** The lanes of each sum added: a quarter for each row. */
INLINE void add_lanes(const int rows, vector sums[ROWS][COLUMNS], float *results) {
  UNROLLED for (int first = 0; first < rows; first += ROWS_TOGETHER) {
    vector quarters[4];
    UNROLLED for (int i = 0; i < ROWS_TOGETHER; i++) {
      const int r = first + i < rows ? first + i : first;
      quarters[i] = PAIRED(PAIRED(sums[r][0], sums[r][1], 1), PAIRED(sums[r][2], sums[r][3], 1), 2);
    }
#if WIDTH == 16
    store(results + first * COLUMNS, PAIRED(PAIRED(quarters[0], quarters[1], 4), PAIRED(quarters[2], quarters[3], 4), 8));
#elif WIDTH == 8
    store(results + first * COLUMNS, PAIRED(quarters[0], quarters[1], 4));
#else
    store(results + first * COLUMNS, quarters[0]);
#endif
  }
}

/** `rows` rows from `row` on by the columns `at` to at + 3, of which `last` are there. */
INLINE void dots_of(const int rows, const Matrices *matrices, int64_t row, int64_t at, int last) {
  const float *left[ROWS], *right[COLUMNS];
  vector sums[ROWS][COLUMNS];
  UNROLLED for (int r = 0; r < rows; r++) left[r] = matrices->left + (row + r) * matrices->left_row;
  UNROLLED for (int c = 0; c < COLUMNS; c++) right[c] = matrices->right + (at + (c < last ? c : 0)) * matrices->right_column;
  UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int c = 0; c < COLUMNS; c++) sums[r][c] = (vector){0};
  int64_t p = 0;
  for (; p + WIDTH <= matrices->k; p += WIDTH) {
    vector b[COLUMNS];
    UNROLLED for (int c = 0; c < COLUMNS; c++) b[c] = load(right[c] + p);
    UNROLLED for (int r = 0; r < rows; r++) {
      const vector a = load(left[r] + p);
      UNROLLED for (int c = 0; c < COLUMNS; c++) sums[r][c] += a * b[c];
    }
  }
  if (p < matrices->k) {
    // What lies behind the last number may be no number at all: zeros in both factors' place.
    const whole there = lane_numbers() < (int32_t)(matrices->k - p);
    vector b[COLUMNS];
    UNROLLED for (int c = 0; c < COLUMNS; c++) b[c] = choose(there, load(right[c] + p), (vector){0});
    UNROLLED for (int r = 0; r < rows; r++) {
      const vector a = choose(there, load(left[r] + p), (vector){0});
      UNROLLED for (int c = 0; c < COLUMNS; c++) sums[r][c] += a * b[c];
    }
  }
  float results[(ROWS + ROWS_TOGETHER) * COLUMNS];
  add_lanes(rows, sums, results);
  for (int r = 0; r < rows; r++) {
    quarter four;
    memcpy(&four, results + r * COLUMNS, sizeof four);
    const Into into = into_from(matrices->into, row + r, at);
    four *= into.alpha;
    if (into.added) {
      quarter more;
      memcpy(&more, into.added, sizeof more);
      four += into.beta * more;
    }
    if (into.relu) four = choose_quarter(four < 0, (quarter){0}, four);
    if (last == COLUMNS) memcpy(into.out, &four, sizeof four);
    else for (int c = 0; c < last; c++) into.out[c] = four[c];
  }
}

#define DOTS(rows) \
  static void dots_##rows(const Matrices *matrices, int64_t row, int64_t at, int last) { dots_of(rows, matrices, row, at, last); }
DOTS(1) DOTS(2) DOTS(3) DOTS(4) DOTS(5) DOTS(6)

static void (*const by_rows[ROWS + 1])(const Matrices *, int64_t, int64_t, int) = {NULL, dots_1, dots_2, dots_3, dots_4, dots_5, dots_6};

void run_dots(const Matrices *matrices) {
  const int64_t tiles = (matrices->m + ROWS - 1) / ROWS;
  for (int64_t at = 0; at < matrices->n; at += COLUMNS) {
    const int last = matrices->n - at < COLUMNS ? (int)(matrices->n - at) : COLUMNS;
    for (int64_t row = 0, left = tiles; left > 0; left--) {
      const int64_t rows = left == 1 ? matrices->m - row : (uint32_t)(matrices->m - row) / (uint32_t)left;
      by_rows[rows](matrices, row, at, last);
      row += rows;
    }
  }
}
