// Adapting as a device does it: a bundle on disk and the runtime, nothing else.
import { native } from "@innerloop/native";
import { Learner } from "@innerloop/runtime";
import { small } from "@innerloop/runtime/small";
import type { WorkloadBatch, WorkloadData } from "../peers/data.ts";
import type { Runnable } from "../peers/serve.ts";
import type { OurEngine } from "./engines.ts";
import { digest } from "./result.ts";

type Examples = Parameters<Learner["adapt"]>[0] & Parameters<Learner<"regression">["adapt"]>[0];

const ways = {
  onnxruntime: "bundle through the runtime, its own kernels for what is small",
  native: "bundle through the runtime, native kernels",
};

const examplesOf = ({ x, y }: WorkloadBatch): Examples =>
  ("shape" in y ? { x, y } : { ...x, labels: Array.from(y, String) }) as Examples;

/** Adapts to the support set of the one task. */
export async function openAdapt(
  folder: string,
  threads: number,
  data: WorkloadData,
  engine: OurEngine,
): Promise<Runnable> {
  const learner = await Learner.load(folder, {
    provider: "cpu",
    threads,
    kernels: { native, onnxruntime: small }[engine],
  });
  const examples = examplesOf(data.tasks[0]!.support);
  const once = () => learner.adapt(examples);
  return {
    way: ways[engine],
    once,
    async result() {
      const { supportLoss, state } = await once();
      return { losses: supportLoss, ...digest(state, data.parameters) };
    },
    close: () => learner.dispose(),
  };
}
