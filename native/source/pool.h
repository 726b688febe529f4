// Threads that do parts of an instruction beside the one that runs the program.
#ifndef INNERLOOP_POOL_H
#define INNERLOOP_POOL_H

#include "kernels.h"

/** Threads that work on an instruction at most, the one that runs the program among them, and parts that one may have. */
enum { MOST_THREADS = 24, MOST_PARTS = MOST_THREADS };

typedef int (*Work)(const int32_t *words, Memory memory, Part part);

/** A pool without threads; NULL where there is no memory for one. */
Pool *make_pool(void);

/** Ends the threads and frees the pool. */
void end_pool(Pool *pool);

/** Starts what is missing of so many threads with the caller. @returns how many there are: fewer where the system gives no more */
int with_threads(Pool *pool, int threads);

/** In how many parts it is worth it to do an instruction with about so many nanoseconds of work: by what others did of those before it. */
int64_t parts_worth(const Pool *pool, int64_t work);

/**
 * Does all parts of an instruction, of which the caller does those that nobody else has begun: it waits for no thread that sleeps. One call at a time.
 * @returns DONE, or what went wrong in a part
 */
int in_parts(Pool *pool, Work work, const int32_t *words, Memory memory, Part parts);

#endif
