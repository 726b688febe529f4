// The door of the room: kernels for a processor, and models that they compute.
import { availableParallelism } from "node:os";
import { kernelsHere } from "./addon.ts";
import { type ModelSettings, NativeModel } from "./model.ts";

export { type Kernels, kernelsHere, loadKernels } from "./addon.ts";
export { type BuildOptions, type Built, buildKernels, kernelsFile, oldKernels } from "./build.ts";
export type { KeptPrograms } from "./kept.ts";
export { type ModelSettings, NativeModel } from "./model.ts";
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
  /** @param settings as many threads as there are cores unless given, and never more */
  open(model: Uint8Array, settings: ModelSettings = {}): NativeModel | undefined {
    const kernels = kernelsHere();
    const cores = availableParallelism();
    try {
      return (
        kernels && new NativeModel(model, kernels, { ...settings, threads: Math.min(settings.threads ?? cores, cores) })
      );
    } catch {
      return undefined;
    }
  },
};
