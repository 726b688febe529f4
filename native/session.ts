// A session that computes here what it can, and opens ONNX Runtime for the rest, when there first is some.
import { InnerloopError, type Tensor } from "@innerloop/schemas";
import type { Kernels } from "./addon.ts";
import { NativeModel } from "./model.ts";

/** What is needed of a session of ONNX Runtime. */
export interface Running {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  run(feeds: Readonly<Record<string, Tensor>>, fetches?: readonly string[]): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

/**
 * A session of a model.
 *
 * @param usual opens it on ONNX Runtime; called when there is a run that is not computed here, and once more where it failed
 * @throws InnerloopError `onnx-unreadable`, and what `usual` throws
 */
export async function openNative(bytes: Uint8Array, kernels: Kernels, usual: () => Promise<Running>): Promise<Running> {
  let ours: NativeModel;
  try {
    ours = new NativeModel(bytes, kernels);
  } catch {
    return usual();
  }
  let theirs: Promise<Running> | undefined;
  let ended = false;
  return {
    inputs: ours.inputs,
    outputs: ours.outputs,
    async run(feeds, fetches) {
      if (ended)
        throw new InnerloopError(
          "disposed",
          "this session was disposed and takes no more calls; open it again to go on",
          {
            exitStatus: 2,
          },
        );
      const results = ours.run(feeds, fetches);
      if (results) return results;
      theirs ??= usual();
      theirs.catch(() => (theirs = undefined));
      return (await theirs).run(feeds, fetches);
    },
    async dispose() {
      ended = true;
      await (await theirs)?.dispose();
    },
  };
}
