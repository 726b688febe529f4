// The door of the room: kernels for a processor, and models that they compute.
import { availableParallelism } from "node:os";
import { kernelsHere } from "./addon.ts";
import { oldKernels } from "./build.ts";
import { openModel } from "./guarded.ts";
import type { ModelSettings, NativeModel } from "./model.ts";
import { warn } from "./warnings.ts";

export { type Kernels, kernelsHere, loadKernels } from "./addon.ts";
export { type BuildOptions, type Built, buildKernels, kernelsFile, oldKernels } from "./build.ts";
export { costsFile } from "./costs.ts";
export { openModel } from "./guarded.ts";
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
    if (!kernels) {
      tellOfOld();
      return undefined;
    }
    const cores = availableParallelism();
    return openModel(model, kernels, { ...settings, threads: Math.min(settings.threads ?? cores, cores) });
  },
};

let looked = false;

/** Kernels of other sources are not opened, as after an update of the package. */
function tellOfOld(): void {
  if (looked) return;
  looked = true;
  const [old] = oldKernels();
  if (old !== undefined)
    warn(
      "kernels-old",
      `The kernels in ${old} were built by another release: ONNX Runtime computes instead, more slowly. Build them anew: innerloop setup native`,
    );
}
