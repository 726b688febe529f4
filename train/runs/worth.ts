// What weights are worth on classes that a run holds back, beside the nearest neighbour on raw input.
import { setImmediate } from "node:timers/promises";
import type { Learner } from "@innerloop/graph";
import type { RunConfig, Tensor } from "@innerloop/schemas";
import { nearestNeighbours, type TaskSource } from "../data/index.ts";
import { accuracy } from "../metrics.ts";
import { MetaTrainer } from "../trainer/meta-trainer.ts";
import { heldBackEpisodes } from "./held-back.ts";

type Weights = Readonly<Record<string, Tensor>>;

/** A number that no other stream of a run's episodes has. */
const stream = 0x701d;

/** Accuracies on the same episodes of the test split, in their order. */
export async function worthOf(
  learner: Learner,
  tasks: TaskSource,
  config: RunConfig,
  weights: readonly Weights[],
  signal?: AbortSignal,
): Promise<{ readonly scores: readonly (readonly number[])[]; readonly nearest: readonly number[] }> {
  const { split, shape } = heldBackEpisodes(tasks, config, "test");
  const episodes = Array.from({ length: config.validation.episodes }, (_, i) =>
    tasks.episode(split, config.seed + stream, i, shape),
  );
  const { engine, seed } = config;
  const trainer = await MetaTrainer.create(learner, { engine, seed, optimizer: config.optimizer });
  try {
    const scores: number[][] = [];
    for (const tensors of weights) {
      trainer.restore({ steps: 0, tensors });
      const own: number[] = [];
      while (own.length < episodes.length && !signal?.aborted) {
        const some = episodes.slice(own.length, own.length + trainer.atOnce);
        own.push(...(await trainer.evaluate(some)).map((report) => report.accuracy));
        await setImmediate();
      }
      scores.push(own);
    }
    const nearest = episodes.map((episode) => accuracy(nearestNeighbours(episode), episode.query.y.data as Int32Array));
    return { scores, nearest };
  } finally {
    await trainer.dispose();
  }
}
