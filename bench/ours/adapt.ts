// Adapting as a device does it: a bundle on disk and the runtime, nothing else.
import { Learner } from "@innerloop/runtime";
import { small } from "@innerloop/runtime/small";
import type { WorkloadBatch, WorkloadData } from "../peers/data.ts";
import type { Runnable } from "../peers/serve.ts";
import { digest } from "./result.ts";

type Examples = Parameters<Learner["adapt"]>[0] & Parameters<Learner<"regression">["adapt"]>[0];

const way = "bundle through the runtime, its own kernels for what is small";

const examplesOf = ({ x, y }: WorkloadBatch): Examples =>
  ("shape" in y ? { x, y } : { ...x, labels: Array.from(y, String) }) as Examples;

/** Adapts to the support set of the one task. */
export async function openAdapt(folder: string, threads: number, data: WorkloadData): Promise<Runnable> {
  const learner = await Learner.load(folder, { provider: "cpu", threads, kernels: small });
  const examples = examplesOf(data.tasks[0]!.support);
  const once = () => learner.adapt(examples);
  return {
    way,
    once,
    async result() {
      const { supportLoss, state } = await once();
      return { losses: supportLoss, ...digest(state, data.parameters) };
    },
    close: () => learner.dispose(),
  };
}
