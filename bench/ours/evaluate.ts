// Evaluating as `innerloop eval` does it: the answers of a bundle on disk to episodes, over worker threads where there are several.
import { BundleAnswers } from "@innerloop/measure";
import { metrics } from "@innerloop/train";
import type { Data } from "../peers/data.ts";
import type { Runnable } from "../peers/serve.ts";
import type { Case, WorkloadData } from "../workloads.ts";
import { float32 } from "./bundle.ts";
import type { OurEngine } from "./engines.ts";
import { targets } from "./gradient.ts";
import { digest } from "./result.ts";

/** Adapts to each episode, and answers its queries. */
export async function openEvaluate(
  folder: string,
  threads: number,
  data: WorkloadData,
  engine: OurEngine,
  { network, steps }: Case,
): Promise<Runnable> {
  const workers = threads > 1 ? threads : 0;
  const bundle = await BundleAnswers.open(folder, { provider: "cpu", workers, kernels: engine });
  const ways = network.outputs;
  const questions = data.tasks.map(({ support, query }) => ({
    support: { x: float32(support.x), y: targets(support.y) },
    query: float32(query.x),
    ...{ ways, steps: [steps] },
  }));
  const once = async () => {
    const logits: Float32Array[] = [];
    for await (const { answers } of bundle.each(questions, questions.length)) logits.push(answers[0]!.queries);
    return logits;
  };
  return {
    way: `a bundle's answers${engine === "native" ? " on native kernels" : ""}${workers > 0 ? ` by ${workers} worker threads` : ""}`,
    once,
    async result() {
      const each = await once();
      const losses = data.tasks.map(({ query }, task) =>
        metrics.crossEntropy(each[task]!, query.y as Int32Array, ways),
      );
      const all = Float32Array.from(each.flatMap((some) => Array.from(some)));
      const logits: Data = { shape: [all.length / ways, ways], data: all };
      return { losses, ...digest({ logits }) };
    },
    close: () => bundle.dispose(),
  };
}
