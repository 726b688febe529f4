// As many vectors as one has lanes, with rows and columns exchanged.
#ifndef INNERLOOP_SQUARES_H
#define INNERLOOP_SQUARES_H

#include "vectors.h"

#if defined(__clang__) || __GNUC__ >= 12
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, (whole){__VA_ARGS__})
#endif

/** Exchanges the blocks of `side` numbers a side that stand across from each other: `left` of two rows' blocks, and `right`. */
#define EXCHANGED(name, side, LEFT, RIGHT)                   \
  INLINE void name(vector *square) {                         \
    UNROLLED for (int i = 0; i < WIDTH; i++) {               \
      if (i & side) continue;                                \
      const vector a = square[i], b = square[i + side];      \
      square[i] = PICK(a, b, LEFT);                          \
      square[i + side] = PICK(a, b, RIGHT);                  \
    }                                                        \
  }

#if WIDTH == 16
#define LEFT_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define RIGHT_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LEFT_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define RIGHT_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LEFT_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define RIGHT_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LEFT_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define RIGHT_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#elif WIDTH == 8
#define LEFT_4 0, 1, 2, 3, 8, 9, 10, 11
#define RIGHT_4 4, 5, 6, 7, 12, 13, 14, 15
#define LEFT_2 0, 1, 8, 9, 4, 5, 12, 13
#define RIGHT_2 2, 3, 10, 11, 6, 7, 14, 15
#define LEFT_1 0, 8, 2, 10, 4, 12, 6, 14
#define RIGHT_1 1, 9, 3, 11, 5, 13, 7, 15
#else
#define LEFT_2 0, 1, 4, 5
#define RIGHT_2 2, 3, 6, 7
#define LEFT_1 0, 4, 2, 6
#define RIGHT_1 1, 5, 3, 7
#endif

#if WIDTH == 16
EXCHANGED(exchange_8, 8, LEFT_8, RIGHT_8)
#endif
#if WIDTH >= 8
EXCHANGED(exchange_4, 4, LEFT_4, RIGHT_4)
#endif
EXCHANGED(exchange_2, 2, LEFT_2, RIGHT_2)
EXCHANGED(exchange_1, 1, LEFT_1, RIGHT_1)

/** Row i of the square becomes its column i. */
INLINE void turn_square(vector *square) {
#if WIDTH == 16
  exchange_8(square);
#endif
#if WIDTH >= 8
  exchange_4(square);
#endif
  exchange_2(square);
  exchange_1(square);
}

#endif
