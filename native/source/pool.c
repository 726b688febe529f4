// Parts are bits of one word, which says beside them of how many they are and in which turn: a thread takes a part by taking its bit away, and one that comes late finds
// none or those of another turn. What is to be done is written before the bits are set, and is not written again until all parts are done.
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/** How long a thread looks for parts before it sleeps: longer than what lies between two instructions that are done in parts. */
#define PATIENCE 100000 /* ns */
/** Looks at the word between two at the clock, some microseconds. */
#define LOOKS 64
/** How often the caller looks whether the others are done before it lets them have its processor. */
#define WAITS 1000
/** Instructions one after another of which nobody has taken a part: the others are away then, as where other programs have their processors. */
#define MISSED 16
/**
 * About so many nanoseconds of work each part is to have while the others are away: what is offered in vain takes a percent of it. While they are there: so many times
 * what it takes to hand a part over, but no more than that. This is measured, by the least of some trials, and tells also what it takes to read what another processor has written.
 */
#define LEAST_WORK 4000
#define WORTH_HANDING_OVER 4
#define TRIALS 16
/** How often the caller looks in a trial whether somebody has taken the part. */
#define TRIAL_LOOKS 100
/** As much as Node gives its own threads. */
#define STACK (4 << 20)

#define PART_BITS 24
#define COUNT_BITS 8

struct Pool {
  /** turn, count of parts, a bit for each part that nobody has begun. */
  _Alignas(128) _Atomic uint64_t open;
  /** Parts that are not done. */
  _Alignas(128) _Atomic int32_t undone;
  _Atomic int32_t outcome;
  _Alignas(128) Work work;
  const int32_t *words;
  Memory memory;
  float *room;
  /** Instructions of which nobody has taken a part, since one of which somebody has. */
  int32_t missed;
  /** Of a part, while the others are there. */
  int64_t least_work;
  _Alignas(128) _Atomic int32_t sleeping;
  _Atomic int32_t ends;
  int threads;
  pthread_t ids[MOST_THREADS];
  pthread_mutex_t mutex;
  pthread_cond_t called;
};

typedef struct {
  Pool *pool;
  int number;
} Thread;

static inline void rest(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

static inline uint32_t parts_in(uint64_t open) { return open & ((1u << PART_BITS) - 1); }

/** Takes a part, its own where it is to be had: what a thread has written in one instruction it is to read in the next. @returns whether there was one */
static int take(Pool *pool, int thread, Part *part) {
  uint64_t open = atomic_load_explicit(&pool->open, memory_order_acquire);
  for (;;) {
    const uint32_t parts = parts_in(open);
    if (parts == 0) return 0;
    const uint32_t from_own = parts >> thread << thread;
    const int number = __builtin_ctz(from_own ? from_own : parts);
    if (!atomic_compare_exchange_weak_explicit(&pool->open, &open, open & ~(1ull << number), memory_order_acq_rel, memory_order_acquire)) continue;
    *part = (Part){number, (int32_t)(open >> PART_BITS & ((1 << COUNT_BITS) - 1)), pool->room};
    return 1;
  }
}

static void do_part(Pool *pool, Part part) {
  const int outcome = pool->work(pool->words, pool->memory, part);
  if (outcome != DONE) atomic_store_explicit(&pool->outcome, outcome, memory_order_relaxed);
  atomic_fetch_sub_explicit(&pool->undone, 1, memory_order_release);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * (int64_t)1000000000 + time.tv_nsec;
}

/** Looks for parts. Who else wants the processor has it meanwhile: a thread that is stopped while it does a part keeps all others waiting. @returns whether there are some, or the end */
static int looked(Pool *pool) {
  for (const int64_t end = now() + PATIENCE; now() < end; sched_yield())
    for (int i = 0; i < LOOKS; i++) {
      if (parts_in(atomic_load_explicit(&pool->open, memory_order_relaxed)) || atomic_load_explicit(&pool->ends, memory_order_relaxed)) return 1;
      rest();
    }
  return 0;
}

static void sleep_until_called(Pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  // Said before the word is looked at once more, as the caller looks at this after it has set the word: one of the two sees the other.
  atomic_fetch_add(&pool->sleeping, 1);
  while (!parts_in(atomic_load(&pool->open)) && !atomic_load(&pool->ends)) pthread_cond_wait(&pool->called, &pool->mutex);
  atomic_fetch_sub(&pool->sleeping, 1);
  pthread_mutex_unlock(&pool->mutex);
}

static void call_all(Pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->called);
  pthread_mutex_unlock(&pool->mutex);
}

static void *work_on(void *given) {
  const Thread thread = *(Thread *)given;
  free(given);
  Pool *pool = thread.pool;
  while (!atomic_load_explicit(&pool->ends, memory_order_relaxed)) {
    Part part;
    if (take(pool, thread.number, &part)) do_part(pool, part);
    else if (!looked(pool)) sleep_until_called(pool);
  }
  return NULL;
}

Pool *make_pool(void) {
  Pool *pool;
  if (posix_memalign((void **)&pool, 128, sizeof *pool) != 0) return NULL;
  memset(pool, 0, sizeof *pool);
  pool->missed = MISSED;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->called, NULL);
  return pool;
}

void end_pool(Pool *pool) {
  atomic_store(&pool->ends, 1);
  call_all(pool);
  for (int i = 0; i < pool->threads; i++) pthread_join(pool->ids[i], NULL);
  pthread_cond_destroy(&pool->called);
  pthread_mutex_destroy(&pool->mutex);
  free(pool);
}

/** Signals are the process' own threads' matter. */
static int start(Pool *pool, const pthread_attr_t *how) {
  Thread *thread = malloc(sizeof *thread);
  if (!thread) return 0;
  *thread = (Thread){pool, pool->threads + 1};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int started = pthread_create(pool->ids + pool->threads, how, work_on, thread) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (started) pool->threads++;
  else free(thread);
  return started;
}

int with_threads(Pool *pool, int threads) {
  const int wanted = threads < MOST_THREADS ? threads : MOST_THREADS;
  if (pool->threads + 1 < wanted) {
    pthread_attr_t how;
    if (pthread_attr_init(&how) != 0) return pool->threads + 1;
    pthread_attr_setstacksize(&how, STACK);
    while (pool->threads + 1 < wanted && start(pool, &how)) continue;
    pthread_attr_destroy(&how);
  }
  return pool->threads + 1 < wanted ? pool->threads + 1 : wanted;
}

/** Parts that anybody may take from now on. */
static void offer(Pool *pool, Work work, const int32_t *words, Memory memory, Part parts) {
  pool->work = work, pool->words = words, pool->memory = memory, pool->room = parts.room;
  atomic_store_explicit(&pool->outcome, DONE, memory_order_relaxed);
  atomic_store_explicit(&pool->undone, parts.of, memory_order_relaxed);
  const uint64_t turn = (atomic_load_explicit(&pool->open, memory_order_relaxed) >> (PART_BITS + COUNT_BITS)) + 1;
  atomic_store(&pool->open, turn << (PART_BITS + COUNT_BITS) | (uint64_t)parts.of << PART_BITS | ((1ull << parts.of) - 1));
  if (atomic_load(&pool->sleeping) > 0) call_all(pool);
}

/** Does what nobody else has begun, and waits for the rest. @returns how many parts others took */
static int finish(Pool *pool, int parts) {
  Part part;
  for (; take(pool, 0, &part); parts--) do_part(pool, part);
  for (int64_t waited = 0; atomic_load_explicit(&pool->undone, memory_order_acquire) > 0; waited++)
    if (waited < WAITS) rest();
    else sched_yield();
  return parts;
}

static int nothing(const int32_t *words, Memory memory, Part part) {
  (void)words, (void)memory, (void)part;
  return DONE;
}

/** How long it takes to hand a part to another thread and to know that it is done. @returns 0 where nobody takes one any more */
static int64_t handing_over(Pool *pool) {
  int64_t least = LEAST_WORK;
  for (int i = 0; i < TRIALS; i++) {
    const int64_t begin = now();
    offer(pool, nothing, NULL, pool->memory, (Part){0, 1, NULL});
    for (int look = 0; look < TRIAL_LOOKS && parts_in(atomic_load_explicit(&pool->open, memory_order_relaxed)); look++) rest();
    if (finish(pool, 1) == 0) return 0;
    const int64_t took = now() - begin;
    if (took < least) least = took;
  }
  return least;
}

static int are_away(const Pool *pool) { return pool->missed >= MISSED; }

/** Whether the others, who were away, are there to stay. */
static void look_again(Pool *pool) {
  const int64_t work = WORTH_HANDING_OVER * handing_over(pool);
  if (work == 0) return;
  pool->missed = 0, pool->least_work = work < LEAST_WORK ? work : LEAST_WORK;
}

int64_t parts_worth(const Pool *pool, int64_t work) {
  const int64_t least = are_away(pool) ? LEAST_WORK : pool->least_work;
  return work < 2 * least ? 1 : work / least;
}

int in_parts(Pool *pool, Work work, const int32_t *words, Memory memory, Part parts) {
  offer(pool, work, words, memory, parts);
  const int taken = finish(pool, parts.of), outcome = atomic_load_explicit(&pool->outcome, memory_order_relaxed);
  if (are_away(pool) && taken > 0) look_again(pool);
  else if (!are_away(pool)) pool->missed = taken > 0 ? 0 : pool->missed + 1;
  return outcome;
}
