// The door `@innerloop/runtime/small`: adapting small networks without ONNX Runtime, whose nodes take longer than what they compute there.
import type { ModelSession, SmallModels } from "../session.ts";
import { SmallModel } from "./model.ts";

export type { SmallModels };

/** A larger file has no small network. */
const mostBytes = 2 ** 20;

/**
 * Computes an adapt.onnx whose runs are small in WebAssembly, with kernels of its own; numbers are those of ONNX Runtime but for rounding.
 * What it has no kernel for, and runs of so much arithmetic that ONNX Runtime is quicker, ONNX Runtime takes, as does every run where a
 * host has no WebAssembly with vectors or does not allow it.
 *
 * @example
 * ```ts
 * import { small } from "@innerloop/runtime/small";
 *
 * const learner = await Learner.load("bundle/", { small });
 * ```
 */
export const small: SmallModels = {
  async open(model, provider, asUsual) {
    if (model.length > mostBytes) return asUsual();
    let ours: SmallModel;
    try {
      ours = new SmallModel(model);
    } catch {
      return asUsual();
    }
    let usual: Promise<ModelSession> | undefined;
    return {
      provider,
      inputs: ours.inputs,
      outputs: ours.outputs,
      async run(feeds, fetches) {
        const results = fetches === undefined ? ours.run(feeds) : undefined;
        if (results) return results;
        usual ??= asUsual();
        usual.catch(() => (usual = undefined));
        return (await usual).run(feeds, fetches);
      },
      async dispose() {
        await (await usual)?.dispose();
      },
    };
  },
};
