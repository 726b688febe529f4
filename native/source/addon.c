// The door for JavaScript, by Node-API alone: no state, so that every thread may have it open.
#include <node_api.h>

#include "kernels.h"

/** Throws what was expected. */
static napi_value refuse(napi_env env, const char *code, const char *words) {
  napi_throw_type_error(env, code, words);
  return NULL;
}

/** run(code: Int32Array, memory: ArrayBuffer, offset: number): number. The offset is in bytes. */
static napi_value run(napi_env env, napi_callback_info info) {
  napi_value given[3], result;
  size_t count = 3, words, bytes;
  napi_typedarray_type type;
  void *code, *memory;
  int64_t offset;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 3 ||
      napi_get_typedarray_info(env, given[0], &type, &words, &code, NULL, NULL) != napi_ok || type != napi_int32_array ||
      napi_get_arraybuffer_info(env, given[1], &memory, &bytes) != napi_ok ||
      napi_get_value_int64(env, given[2], &offset) != napi_ok)
    return refuse(env, "wrong-arguments", "run takes an Int32Array, an ArrayBuffer and a number");
  if (offset < 0 || (uint64_t)offset > bytes || ((uintptr_t)memory + offset) % 64 != 0)
    return refuse(env, "wrong-arguments", "memory is to begin at a multiple of 64 bytes, in the buffer");
  const int outcome = run_program(code, (int64_t)words, (float *)((char *)memory + offset));
  return napi_create_int32(env, outcome, &result) == napi_ok ? result : NULL;
}

/** misaligned(memory: ArrayBuffer): number. Bytes from the buffer's begin to the next multiple of 64. */
static napi_value misaligned(napi_env env, napi_callback_info info) {
  napi_value given[1], result;
  size_t count = 1, bytes;
  void *memory;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 1 ||
      napi_get_arraybuffer_info(env, given[0], &memory, &bytes) != napi_ok)
    return refuse(env, "wrong-arguments", "misaligned takes an ArrayBuffer");
  return napi_create_uint32(env, (uint32_t)(-(uintptr_t)memory % 64), &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {{"run", run}, {"misaligned", misaligned}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok)
      return NULL;
  }
  return exports;
}
