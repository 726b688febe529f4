// Vectors of float32 as wide as the machine has them, through the compiler's own vector types: one source for AVX-512, AVX2, NEON and the rest.
#ifndef INNERLOOP_VECTORS_H
#define INNERLOOP_VECTORS_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX__)
#define WIDTH 8
#else
#define WIDTH 4
#endif

#if defined(__AVX__)
#include <immintrin.h>
#endif

/** Before a loop of a constant number of turns whose sums are to be registers. */
#if defined(__clang__)
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float vector __attribute__((vector_size(WIDTH * 4)));
typedef int32_t whole __attribute__((vector_size(WIDTH * 4)));
typedef float loose_vector __attribute__((vector_size(WIDTH * 4), aligned(4), may_alias));

/** The numbers at any place. Memory has room to read a vector past the end of what is stored (words.md). */
INLINE vector load(const float *from) { return *(const loose_vector *)from; }

INLINE void store(float *to, vector numbers) { *(loose_vector *)to = numbers; }

INLINE vector spread(float number) { return number - (vector){0}; }

/** The first `count` numbers, 0 to WIDTH, and not a byte after them: the compiler makes no masked stores of its own. */
INLINE void store_first(float *to, vector numbers, int count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)numbers);
#elif defined(__AVX__)
  static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
  _mm256_maskstore_ps(to, _mm256_loadu_si256((const __m256i *)(lanes + 8 - count)), (__m256)numbers);
#else
  for (int lane = 0; lane < count; lane++) to[lane] = numbers[lane];
#endif
}

/** Lane by lane `yes` where the test's bits are set, else `no`; comparisons of vectors give such tests. */
INLINE vector choose(whole test, vector yes, vector no) { return (vector)((test & (whole)yes) | (~test & (whole)no)); }

#endif
