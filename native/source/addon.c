// The door for JavaScript, by Node-API alone. What state there is, threads that help, each environment of Node has by itself, so that every thread may have it open.
#include <float.h>
#include <node_api.h>
#include <stdio.h>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "pool.h"

/** Throws what was expected. */
static napi_value refuse(napi_env env, const char *code, const char *words) {
  napi_throw_type_error(env, code, words);
  return NULL;
}

/** Words and a memory, as JavaScript gives them: an Int32Array, an ArrayBuffer and the bytes of it before the memory begins. */
typedef struct {
  const int32_t *words;
  size_t count;
  float *memory;
  int64_t numbers;
} Program;

/** @param given three of these, and perhaps one or two more, which are not looked at @returns how many there are; 0 where they are not right */
static size_t program_of(napi_env env, napi_callback_info info, napi_value given[5], Program *program) {
  size_t count = 5, bytes;
  napi_typedarray_type type;
  void *code, *memory;
  int64_t offset;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count < 3 || count > 5 ||
      napi_get_typedarray_info(env, given[0], &type, &program->count, &code, NULL, NULL) != napi_ok || type != napi_int32_array ||
      napi_get_arraybuffer_info(env, given[1], &memory, &bytes) != napi_ok || napi_get_value_int64(env, given[2], &offset) != napi_ok) {
    refuse(env, "wrong-arguments", "an Int32Array, an ArrayBuffer and a number are expected");
    return 0;
  }
  if (offset < 0 || (uint64_t)offset > bytes || ((uintptr_t)memory + offset) % 64 != 0) {
    refuse(env, "wrong-arguments", "the memory is to begin at a multiple of 64 bytes, within the buffer");
    return 0;
  }
  program->words = code;
  program->memory = (float *)((char *)memory + offset);
  program->numbers = (int64_t)((bytes - (size_t)offset) / sizeof(float));
  return count;
}

/** An array of numbers of a type; NULL where it is another thing. */
static void *array_of(napi_env env, napi_value given, napi_typedarray_type expected, size_t *count) {
  static float none[1];
  napi_typedarray_type type;
  void *data;
  if (napi_get_typedarray_info(env, given, &type, count, &data, NULL, NULL) != napi_ok || type != expected) return NULL;
  return data ? data : none;
}

/** check(code, memory, offset, sizes = []): number. The word at which the first instruction begins that would leave the memory and arrays of such sizes (kernels.h), or is none; -1 where all are right. */
static napi_value check(napi_env env, napi_callback_info info) {
  Program program;
  napi_value given[5], result;
  const size_t count = program_of(env, info, given, &program);
  if (count == 0) return NULL;
  size_t arrays = 0;
  const int32_t *sizes = count > 3 ? array_of(env, given[3], napi_int32_array, &arrays) : NULL;
  if (count > 3 && !sizes) return refuse(env, "wrong-arguments", "the sizes of arrays are an Int32Array");
  const Room room = {program.memory, program.numbers, sizes, (int64_t)arrays};
  const int64_t wrong = check_program(program.words, (int64_t)program.count, room);
  return napi_create_int64(env, wrong, &result) == napi_ok ? result : NULL;
}

static void end(void *pool) {
  end_pool(pool);
}

/** The environment's pool, made where it is first asked for. Its threads end with the environment, after which the system may put this file out of memory. */
static Pool *pool_of(napi_env env) {
  void *known;
  if (napi_get_instance_data(env, &known) == napi_ok && known) return known;
  Pool *pool = make_pool();
  if (!pool) return NULL;
  if (napi_set_instance_data(env, pool, NULL, NULL) == napi_ok && napi_add_env_cleanup_hook(env, end, pool) == napi_ok) return pool;
  napi_set_instance_data(env, NULL, NULL, NULL);
  end_pool(pool);
  return NULL;
}

/** Where the pieces of arrays lie. @returns whether these are arrays, and not too many */
static int find_pieces(napi_env env, napi_value arrays, float **pieces) {
  uint32_t count;
  if (napi_get_array_length(env, arrays, &count) != napi_ok) return 0;
  int64_t found = 0;
  for (uint32_t i = 0; i < count; i++) {
    napi_value array;
    size_t numbers;
    float *data = napi_get_element(env, arrays, i, &array) == napi_ok ? array_of(env, array, napi_float32_array, &numbers) : NULL;
    if (!data || numbers > RESULTS || found + pieces_of((int64_t)numbers) > MOST_PIECES) return 0;
    for (size_t at = 0; at < numbers; at += 1 << PIECE_BITS) pieces[found++] = data + at;
  }
  return 1;
}

/** run(code, memory, offset, threads = 1, arrays = []): number. What a run gives (words.md). The words have been checked, for arrays of these sizes. */
static napi_value run(napi_env env, napi_callback_info info) {
  Program program;
  int32_t threads = 1;
  float *pieces[MOST_PIECES];
  napi_value given[5], result;
  const size_t count = program_of(env, info, given, &program);
  if (count == 0) return NULL;
  if ((count > 3 && napi_get_value_int32(env, given[3], &threads) != napi_ok) || (count > 4 && !find_pieces(env, given[4], pieces)))
    return refuse(env, "wrong-arguments", "threads are a number, and the arrays beside the memory are of Float32Array");
  const Memory memory = {program.memory, pieces};
  const int outcome = run_program(program.words, (int64_t)program.count, memory, threads > 1 ? pool_of(env) : NULL, threads);
  return napi_create_int32(env, outcome, &result) == napi_ok ? result : NULL;
}

#if defined(__linux__)
/** Tells the system about the whole pages of a memory. */
static void advise(void *memory, size_t bytes, int advice) {
  const uintptr_t page = 4096, begin = ((uintptr_t)memory + page - 1) / page * page, end = ((uintptr_t)memory + bytes) / page * page;
  if (begin < end) madvise((void *)begin, end - begin, advice);
}
#endif

/** Asks the system to hold a large memory in large pages: rows that lie far apart would take more small ones than the processor keeps addresses of. */
static void in_large_pages(void *memory, size_t bytes) {
#if defined(MADV_HUGEPAGE)
  if (bytes >= 1 << 22) advise(memory, bytes, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

/** release(memory: ArrayBuffer). Gives pages back to the system whose numbers a file has, which it reads again when they are asked for, or that nobody asks for any more. */
static napi_value release(napi_env env, napi_callback_info info) {
  napi_value given[1];
  size_t count = 1, bytes;
  void *memory;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 1 ||
      napi_get_arraybuffer_info(env, given[0], &memory, &bytes) != napi_ok)
    return refuse(env, "wrong-arguments", "release takes an ArrayBuffer");
#if defined(__linux__)
  advise(memory, bytes, MADV_DONTNEED);
#endif
  return NULL;
}

/** misaligned(memory: ArrayBuffer): number. Bytes from the buffer's begin to the next multiple of 64; the buffer is new. */
static napi_value misaligned(napi_env env, napi_callback_info info) {
  napi_value given[1], result;
  size_t count = 1, bytes;
  void *memory;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 1 ||
      napi_get_arraybuffer_info(env, given[0], &memory, &bytes) != napi_ok)
    return refuse(env, "wrong-arguments", "misaligned takes an ArrayBuffer");
  in_large_pages(memory, bytes);
  return napi_create_uint32(env, (uint32_t)(-(uintptr_t)memory % 64), &result) == napi_ok ? result : NULL;
}

/** retain(bytes: number). Asks the allocator to keep so many bytes that are freed: to get their pages from the system again takes as long as to fill them. */
static napi_value retain(napi_env env, napi_callback_info info) {
  napi_value given[1];
  size_t count = 1;
  int64_t bytes;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 1 || napi_get_value_int64(env, given[0], &bytes) != napi_ok)
    return refuse(env, "wrong-arguments", "retain takes a number");
#if defined(__GLIBC__)
  // Arrays up to what the allocator itself goes to at most come of memory that it keeps; larger ones go back in any case.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, bytes < INT32_MAX ? (int)bytes : INT32_MAX);
#endif
  return NULL;
}

#if defined(__unix__) || defined(__APPLE__)
#if !defined(MAP_NORESERVE)
#define MAP_NORESERVE 0
#endif

/** What an ArrayBuffer takes with it when it goes. */
static void unmap(napi_env env, void *file, void *bytes) {
  (void)env;
  munmap(file, (size_t)(uintptr_t)bytes);
}

/** A file's bytes where the system reads them when they are asked for, with `room` of zeros after them at least; what is written there no file gets. @returns NULL where that cannot be */
static void *mapped(const char *path, size_t room, size_t *bytes, size_t *all) {
  struct stat about;
  const int file = open(path, O_RDONLY);
  if (file < 0) return NULL;
  char *found = MAP_FAILED;
  if (fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 && (uint64_t)about.st_size < SIZE_MAX - room) {
    *bytes = (size_t)about.st_size, *all = *bytes + room;
    // First all of it without a file, which has no room after its last page.
    found = mmap(NULL, *all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (found != MAP_FAILED && mmap(found, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file, 0) == MAP_FAILED) {
      munmap(found, *all);
      found = MAP_FAILED;
    }
  }
  close(file);
  return found == MAP_FAILED ? NULL : found;
}

/** map(path: string, room: number): ArrayBuffer | undefined. A file's bytes and room after them, without reading them before somebody does. */
static napi_value map(napi_env env, napi_callback_info info) {
  char path[PATH_MAX];
  napi_value given[2], result;
  size_t count = 2, length, bytes, all;
  uint32_t room;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 2 ||
      napi_get_value_string_utf8(env, given[0], path, sizeof path, &length) != napi_ok || napi_get_value_uint32(env, given[1], &room) != napi_ok)
    return refuse(env, "wrong-arguments", "map takes a path and a number");
  // A longer one was cut.
  void *file = length < sizeof path - 1 ? mapped(path, room, &bytes, &all) : NULL;
  if (!file) return NULL;
  if (napi_create_external_arraybuffer(env, file, all, unmap, (void *)(uintptr_t)all, &result) == napi_ok) return result;
  unmap(env, file, (void *)(uintptr_t)all);
  return NULL;
}
#else
static napi_value map(napi_env env, napi_callback_info info) {
  (void)env, (void)info;
  return NULL;
}
#endif

/** finite(numbers: Float32Array): boolean. Whether all are. */
static napi_value are_finite(napi_env env, napi_callback_info info) {
  napi_value given[1], result;
  napi_typedarray_type type;
  size_t count = 1, length;
  void *data;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 1 ||
      napi_get_typedarray_info(env, given[0], &type, &length, &data, NULL, NULL) != napi_ok || type != napi_float32_array)
    return refuse(env, "wrong-arguments", "finite takes a Float32Array");
  const float *numbers = data;
  int wrong = 0;
  for (size_t i = 0; i < length; i++) wrong |= !(__builtin_fabsf(numbers[i]) <= FLT_MAX);
  return napi_get_boolean(env, !wrong, &result) == napi_ok ? result : NULL;
}

/** add(to: Float32Array, more: Float32Array). Adds numbers to as many others, which may be the same. */
static napi_value add(napi_env env, napi_callback_info info) {
  napi_value given[2];
  size_t count = 2, length, others;
  float *to;
  const float *more;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 2 || !(to = array_of(env, given[0], napi_float32_array, &length)) ||
      !(more = array_of(env, given[1], napi_float32_array, &others)) || length != others)
    return refuse(env, "wrong-arguments", "add takes two Float32Arrays of one length");
  for (size_t i = 0; i < length; i++) to[i] += more[i];
  return NULL;
}

#define NEEDS(feature) \
  if (!__builtin_cpu_supports(feature)) return feature

/** Something that these kernels were built to use and the processor has not, where it can be asked: a file that came from another machine is not opened. */
static const char *lacking(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#if defined(__AVX2__)
  NEEDS("avx2");
#endif
#if defined(__FMA__)
  NEEDS("fma");
#endif
#if defined(__FMA4__)
  NEEDS("fma4");
#endif
#if defined(__AVX512F__)
  NEEDS("avx512f");
#endif
#if defined(__AVX512VL__)
  NEEDS("avx512vl");
#endif
#if defined(__AVX512BW__)
  NEEDS("avx512bw");
#endif
#if defined(__AVX512DQ__)
  NEEDS("avx512dq");
#endif
#endif
  return NULL;
}

NAPI_MODULE_INIT() {
  const char *feature = lacking();
  if (feature) {
    char words[80];
    snprintf(words, sizeof words, "they were built for a processor with %s, which this one has not", feature);
    napi_throw_error(env, "other-processor", words);
    return NULL;
  }
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {{"check", check}, {"run", run}, {"misaligned", misaligned}, {"retain", retain}, {"map", map}, {"release", release}, {"finite", are_finite}, {"add", add}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok)
      return NULL;
  }
  return exports;
}
