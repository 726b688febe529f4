// The door of the room: kernels for a processor, and models that they compute.
import { kernelsHere } from "./addon.ts";
import type { KeptPrograms } from "./kept.ts";
import { NativeModel } from "./model.ts";

export { type Kernels, kernelsHere, loadKernels } from "./addon.ts";
export { type BuildOptions, type Built, buildKernels, kernelsFile } from "./build.ts";
export type { KeptPrograms } from "./kept.ts";
export { NativeModel } from "./model.ts";
export type { Port } from "./read.ts";
export { version } from "./version.ts";

/**
 * Computes models on the kernels that were built for this machine (`innerloop setup native`); ONNX Runtime computes what these do not, and
 * everything where there are none.
 *
 * @example
 * ```ts
 * import { native } from "@innerloop/native";
 *
 * const learner = await Learner.load("bundle/", { kernels: native });
 * ```
 */
export const native = {
  /** @param kept where programs are kept for later processes */
  open(model: Uint8Array, kept?: KeptPrograms): NativeModel | undefined {
    const kernels = kernelsHere();
    try {
      return kernels && new NativeModel(model, kernels, kept);
    } catch {
      return undefined;
    }
  },
};
