// Models as callers have them. A fault of ours, while one is read, planned or run, is no reason to leave them without an answer: it is told, and ONNX
// Runtime has the model from then on. What a refusal is, and what a run says of its caller's numbers, stays as it is.
import { InnerloopError } from "@innerloop/schemas/bundle";
import type { Kernels } from "./addon.ts";
import { type ModelSettings, NativeModel } from "./model.ts";
import { warn } from "./warnings.ts";

/**
 * Opens a model; nothing where ONNX Runtime is to have it.
 * @throws what went wrong, where `INNERLOOP_NATIVE_FAULTS` is `throw`: tests are to see it
 */
export function openModel(bytes: Uint8Array, kernels: Kernels, settings: ModelSettings): NativeModel | undefined {
  try {
    return new Guarded(bytes, kernels, settings);
  } catch (cause) {
    if (!(cause instanceof InnerloopError)) tell(cause);
    return undefined;
  }
}

class Guarded extends NativeModel {
  #failed = false;

  override run(...given: Parameters<NativeModel["run"]>): ReturnType<NativeModel["run"]> {
    if (this.#failed) return undefined;
    try {
      return super.run(...given);
    } catch (cause) {
      if (cause instanceof InnerloopError) throw cause;
      tell(cause);
      this.#failed = true;
      return undefined;
    }
  }
}

function tell(cause: unknown): void {
  if (process.env.INNERLOOP_NATIVE_FAULTS === "throw") throw cause;
  warn(
    "native-fault",
    `A fault in @innerloop/native (${cause}): ONNX Runtime computes this model instead, more slowly. Please report it.`,
    cause instanceof Error ? cause.stack : undefined,
  );
}
