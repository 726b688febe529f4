// Adapting and answering as a device does it: a bundle on disk and the runtime, nothing else.
import { Learner } from "@innerloop/runtime";
import type { Data, WorkloadBatch, WorkloadData } from "../peers/data.ts";
import type { Runnable } from "../peers/serve.ts";
import { digest } from "./result.ts";

type Examples = Parameters<Learner["adapt"]>[0] & Parameters<Learner<"regression">["adapt"]>[0];

const way = "bundle through the runtime";

const examplesOf = ({ x, y }: WorkloadBatch): Examples =>
  ("shape" in y ? { x, y } : { ...x, labels: Array.from(y, String) }) as Examples;

/** Adapts to the support set of the one task. */
export async function openAdapt(folder: string, threads: number, data: WorkloadData): Promise<Runnable> {
  const learner = await Learner.load(folder, { provider: "cpu", threads });
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

/** Adapts to each episode, and answers its queries. */
export async function openEvaluate(folder: string, threads: number, data: WorkloadData): Promise<Runnable> {
  const learner: Learner = await Learner.load(folder, { provider: "cpu", threads });
  const episodes = data.tasks.map(({ support, query }) => ({ examples: examplesOf(support), query: query.x }));
  const once = async () => {
    const rows: (readonly number[])[] = [];
    for (const { examples, query } of episodes) {
      const mine = await learner.adapt(examples);
      for (const { logits } of await mine.predictBatch(query)) rows.push(logits as readonly number[]);
    }
    return rows;
  };
  return {
    way,
    once,
    async result() {
      const rows = await once();
      const each = rows.length / episodes.length;
      const losses = data.tasks.map(({ query }, task) => {
        const labels = query.y as Int32Array;
        return mean(Array.from(labels, (label, i) => crossEntropy(rows[task * each + i]!, label)));
      });
      const logits: Data = { shape: [rows.length], data: Float32Array.from(rows.flat()) };
      return { losses, ...digest({ logits }) };
    },
    close: () => learner.dispose(),
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function crossEntropy(logits: readonly number[], label: number): number {
  const most = Math.max(...logits);
  return most + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - most), 0)) - logits[label]!;
}
