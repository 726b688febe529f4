// What a trained bundle is compared with.
import type { Learner } from "@innerloop/graph";
import type { RunConfig } from "@innerloop/schemas";
import type { TaskSource } from "@innerloop/train";
import type { Estimate, Evaluation } from "./evaluation.ts";

/** Episodes of this comparison at most; its answer need not be as sharp as the result's. */
const mostEpisodes = 200;

/**
 * The accuracy of a run's net with the weights from which its training started, adapted in the same way to the first
 * episodes of an evaluation.
 */
export async function untrainedAccuracy(
  learner: Learner,
  { seed, engine }: RunConfig,
  { episodes, ways, shots, queries, innerSteps, seed: episodeSeed, split }: Evaluation,
  tasks: TaskSource,
): Promise<Estimate> {
  const { MetaTrainer, metrics } = await import("@innerloop/train");
  const trainer = await MetaTrainer.create(learner, { seed, engine });
  try {
    const drawn = Array.from({ length: Math.min(episodes, mostEpisodes) }, (_, i) =>
      tasks.episode(split, episodeSeed, i, { ways, shots, queries }),
    );
    const reports = await trainer.evaluate(drawn, { steps: innerSteps });
    return metrics.estimate(reports.map(({ accuracy }) => accuracy));
  } finally {
    await trainer.dispose();
  }
}
