// The door `@innerloop/runtime/small`: small networks without ONNX Runtime, whose nodes take longer than what they compute there.
import type { OwnKernels } from "../session.ts";
import { SmallModel } from "./model.ts";

export type { OwnKernels };

/** A larger file has no small network. */
const mostBytes = 2 ** 20;

/**
 * Computes models whose runs are small in WebAssembly, with kernels of its own; numbers are those of ONNX Runtime but for rounding.
 * What it has no kernel for, and runs of so much arithmetic that ONNX Runtime is quicker, ONNX Runtime takes, as does every run where a
 * host has no WebAssembly with vectors or does not allow it.
 *
 * @example
 * ```ts
 * import { small } from "@innerloop/runtime/small";
 *
 * const learner = await Learner.load("bundle/", { kernels: small });
 * ```
 */
export const small: OwnKernels = {
  open(model) {
    try {
      return model.length > mostBytes ? undefined : new SmallModel(model);
    } catch {
      return undefined;
    }
  },
};
