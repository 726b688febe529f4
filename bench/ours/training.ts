// Iterations of training as a run takes them: the preset's learner, gradient and update by the trainer.
import type { Episode } from "@innerloop/train";
import { MetaTrainer } from "@innerloop/train";
import type { Runnable } from "../peers/serve.ts";
import { type Case, dataOf, learnerOf, presetOptions, type WorkloadBatch } from "../workloads.ts";
import { float32, floats } from "./bundle.ts";
import { type OurEngine, trainedOn } from "./engines.ts";
import { targets } from "./gradient.ts";

/** Of which the losses are compared: as many as in problems.py. */
const compared = 3;

export async function prepareTraining(workload: Case, threads: number, engine: OurEngine): Promise<Runnable> {
  const data = dataOf(workload);
  const side = ({ x, y }: WorkloadBatch) => ({ x: float32(x), y: targets(y) });
  const episodes: Episode[] = data.tasks.map(({ support, query }) => ({
    support: side(support),
    query: side(query),
  }));
  const tensors = floats(data.parameters);
  const trainer = await MetaTrainer.create(learnerOf(workload), {
    ...presetOptions,
    engine: trainedOn(engine),
    workers: threads,
    tasks: episodes.length,
  });
  const restart = () => trainer.restore({ steps: 0, tensors });
  restart();
  return {
    way: trainer.strategy,
    once: () => trainer.step(episodes),
    async result() {
      restart();
      const reports = [];
      for (let i = 0; i < compared; i++) reports.push(await trainer.step(episodes));
      const gradient = reports[0]!.gradientNorm;
      return { losses: reports.map(({ loss }) => loss), projections: { gradient }, norms: { gradient } };
    },
    close: () => trainer.dispose(),
  };
}
