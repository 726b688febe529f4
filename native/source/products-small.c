// Products of small factors: some rows by all columns at once, which are that few.
#include "products-small.h"

#if SMALL_KERNELS
#include "bounds.h"

/** Vectors of columns at most, and rows that are taken together: as many sums as there are registers for. */
#define VECTORS 3
#define ROWS 9

/** Half a vector takes half as long as a whole one where the processor takes a whole one in two halves: the last columns are one if they are no more. */
#define HALF 8
#if defined(__znver3__) || defined(__znver4__)
#define TAKEN_IN_HALVES 1
#else
#define TAKEN_IN_HALVES 0
#endif

typedef float half_vector __attribute__((vector_size(4 * HALF)));
typedef float loose_half __attribute__((vector_size(4 * HALF), aligned(4), may_alias));

INLINE half_vector load_half(const float *from) { return *(const loose_half *)from; }

INLINE half_vector spread_half(float number) { return number - (half_vector){0}; }

typedef struct {
  int64_t terms;
  const float *left;
  int64_t left_row, left_column;
  const float *right;
  int64_t right_row;
  Into into;
  /** Columns of the last vector, or of the half behind the others. */
  int last;
} Small;

typedef struct {
  vector wholes[ROWS][VECTORS];
  half_vector halves[ROWS];
} Sums;

INLINE void finish(const int rows, const int vectors, const int half, Sums *sums, const Small *small) {
  const Into *into = &small->into;
  const vector alpha = spread(into->alpha);
  const half_vector half_alpha = spread_half(into->alpha);
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < vectors; v++) sums->wholes[r][v] *= alpha;
    if (half) sums->halves[r] *= half_alpha;
  }
  if (into->added) {
    const float *added = into->added;
    const vector beta = spread(into->beta);
    const half_vector half_beta = spread_half(into->beta);
    UNROLLED for (int r = 0; r < rows; r++) {
      UNROLLED for (int v = 0; v < vectors; v++) sums->wholes[r][v] += beta * load(added + v * WIDTH);
      if (half) sums->halves[r] += half_beta * load_half(added + vectors * WIDTH);
      added += into->added_row;
    }
  }
  if (into->relu) {
    const __m256 none = _mm256_setzero_ps();
    UNROLLED for (int r = 0; r < rows; r++) {
      UNROLLED for (int v = 0; v < vectors; v++) sums->wholes[r][v] = choose(sums->wholes[r][v] < 0, (vector){0}, sums->wholes[r][v]);
      // NaN stays: it is the second of both.
      if (half) sums->halves[r] = (half_vector)_mm256_max_ps(none, (__m256)sums->halves[r]);
    }
  }
  const int last = small->last;
  float *out = into->out;
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v + !half < vectors; v++) store(out + v * WIDTH, sums->wholes[r][v]);
    if (!half) store_first(out + (vectors - 1) * WIDTH, sums->wholes[r][vectors - 1], last);
    else if (last == HALF) *(loose_half *)(out + vectors * WIDTH) = sums->halves[r];
    else _mm256_mask_storeu_ps(out + vectors * WIDTH, (__mmask8)((1u << last) - 1), (__m256)sums->halves[r]);
    out += into->out_row;
  }
}

/** @param by_columns whether the rows of a term lie side by side, or the terms of a row do */
INLINE void take(const int rows, const int vectors, const int half, const int by_columns, const Small *small) {
  Sums sums;
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < vectors; v++) sums.wholes[r][v] = (vector){0};
    sums.halves[r] = (half_vector){0};
  }
  const float *right = small->right, *left[ROWS];
  const int64_t right_row = small->right_row, step = by_columns ? small->left_column : 1;
  UNROLLED for (int r = 0; r < rows; r++) left[r] = small->left + r * (by_columns ? 1 : small->left_row);
  int64_t at = 0;
  for (int64_t terms = small->terms; terms > 0; terms--) {
    vector b[VECTORS];
    UNROLLED for (int v = 0; v < vectors; v++) b[v] = load(right + v * WIDTH);
    const half_vector c = half ? load_half(right + vectors * WIDTH) : (half_vector){0};
    UNROLLED for (int r = 0; r < rows; r++) {
      const vector a = spread(by_columns ? left[0][at + r] : left[r][at]);
      UNROLLED for (int v = 0; v < vectors; v++) sums.wholes[r][v] += a * b[v];
      if (half) sums.halves[r] += (half_vector)_mm512_castps512_ps256((__m512)a) * c;
    }
    at += step;
    right += right_row;
  }
  finish(rows, vectors, half, &sums, small);
}

#define KERNELS(rows, vectors, half)                                                                                \
  static void rows_##rows##_##vectors##_##half(const Small *small) { take(rows, vectors, half, 0, small); }         \
  static void columns_##rows##_##vectors##_##half(const Small *small) { take(rows, vectors, half, 1, small); }
#define TO_9(list, v, h) list(1, v, h) list(2, v, h) list(3, v, h) list(4, v, h) list(5, v, h) list(6, v, h) list(7, v, h) list(8, v, h) list(9, v, h)
#if TAKEN_IN_HALVES
#define ALL(list) TO_9(list, 1, 0) TO_9(list, 2, 0) TO_9(list, 3, 0) TO_9(list, 0, 1) TO_9(list, 1, 1) TO_9(list, 2, 1)
#else
#define ALL(list) TO_9(list, 1, 0) TO_9(list, 2, 0) TO_9(list, 3, 0)
#endif

ALL(KERNELS)

#define BY_ROWS(rows, vectors, half) [half][vectors][rows] = rows_##rows##_##vectors##_##half,
#define BY_COLUMNS(rows, vectors, half) [half][vectors][rows] = columns_##rows##_##vectors##_##half,

/** By whether there is a half, then whole vectors, then rows. */
static void (*const by_rows[2][VECTORS + 1][ROWS + 1])(const Small *) = {ALL(BY_ROWS)};
static void (*const by_columns[2][VECTORS + 1][ROWS + 1])(const Small *) = {ALL(BY_COLUMNS)};

/** Four numbers of each of eight columns become four rows: halves come together as they are read, which leaves half of the shuffles. */
INLINE void turn(float *to, int64_t row, const float *const *columns, int64_t term) {
  __m256 four[4];
  UNROLLED for (int i = 0; i < 4; i++)
    four[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(columns[i] + term)), _mm_loadu_ps(columns[i + 4] + term), 1);
  const __m256 ab = _mm256_unpacklo_ps(four[0], four[1]), ba = _mm256_unpackhi_ps(four[0], four[1]);
  const __m256 cd = _mm256_unpacklo_ps(four[2], four[3]), dc = _mm256_unpackhi_ps(four[2], four[3]);
  _mm256_store_ps(to, _mm256_shuffle_ps(ab, cd, 0x44));
  _mm256_store_ps(to + row, _mm256_shuffle_ps(ab, cd, 0xee));
  _mm256_store_ps(to + 2 * row, _mm256_shuffle_ps(ba, dc, 0x44));
  _mm256_store_ps(to + 3 * row, _mm256_shuffle_ps(ba, dc, 0xee));
}

/** The rows of a right factor whose columns lie together. The last column stands for those that are not there. */
static void turn_columns(float *to, int64_t row, const Matrices *matrices, int64_t width) {
  for (int64_t at = 0; at < width; at += HALF) {
    const float *columns[HALF];
    for (int i = 0; i < HALF; i++) columns[i] = matrices->right + least(at + i, matrices->n - 1) * matrices->right_column;
    for (int64_t term = 0; term < matrices->k; term += 4) turn(to + term * row + at, row, columns, term);
  }
}

void run_small(const Matrices *matrices) {
  const int rest = (int)(matrices->n % WIDTH), half = TAKEN_IN_HALVES && rest > 0 && rest <= HALF;
  const int vectors = (int)(matrices->n / WIDTH) + (rest > 0 && !half);
  Small small = {
      .terms = matrices->k, .left_row = matrices->left_row, .left_column = matrices->left_column, .right = matrices->right, .right_row = matrices->right_row,
      .last = rest > 0 ? rest : WIDTH,
  };
  float turned[MOST_SMALL_TERMS * MOST_SMALL_COLUMNS] __attribute__((aligned(64)));
  if (matrices->right_column != 1) {
    small.right = turned, small.right_row = (vectors + half) * WIDTH;
    turn_columns(turned, small.right_row, matrices, vectors * WIDTH + half * HALF);
  }
  const int rows_apart = matrices->left_column == 1 || matrices->k == 1;
  void (*const *kernels)(const Small *) = (rows_apart ? by_rows : by_columns)[half][vectors];
  for (int64_t row = 0, tiles = (matrices->m + ROWS - 1) / ROWS; tiles > 0; tiles--) {
    const int64_t rows = tiles == 1 ? matrices->m - row : (uint32_t)(matrices->m - row) / (uint32_t)tiles;
    small.left = matrices->left + row * matrices->left_row;
    small.into = into_from(matrices->into, row, 0);
    kernels[rows](&small);
    row += rows;
  }
}
#else
void run_small(const Matrices *matrices) { (void)matrices; }
#endif
