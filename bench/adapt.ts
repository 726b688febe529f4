// Adapting as a device does it: a bundle on disk and the runtime, nothing else.
import { Learner } from "@innerloop/runtime";
import type { WorkloadBatch } from "./peers/data.ts";

type Examples = Parameters<Learner["adapt"]>[0] & Parameters<Learner<"regression">["adapt"]>[0];

/** An opened bundle that adapts to a support set each time it is asked. */
export async function openAdapt(folder: string, threads: number, { x, y }: WorkloadBatch) {
  const learner = await Learner.load(folder, { provider: "cpu", threads });
  const examples = "shape" in y ? { x, y } : { ...x, labels: Array.from(y, String) };
  return {
    once: () => learner.adapt(examples as Examples),
    close: () => learner.dispose(),
  };
}
