// What a learner was before: the net with the weights from which its training started, and the bundle that is not yet
// adapted.
import { setImmediate } from "node:timers/promises";
import type { Learner as TrainedLearner } from "@innerloop/graph";
import type { RunConfig } from "@innerloop/schemas";
import { MetaTrainer, metrics, type TaskSource } from "@innerloop/train";
import type { Estimate } from "../estimate.ts";
import { BundleAnswers } from "../evaluation/bundle-answers.ts";
import type { BundleEvaluation } from "../evaluation/evaluation.ts";
import { mostEpisodes } from "./judge.ts";

/**
 * The accuracy of a run's net with the weights from which its training started, adapted in the same way to the first
 * episodes of an evaluation.
 * @param learner of the run, `config` its settings and `tasks` its data
 * @throws InnerloopError `engine-unavailable` where the run's engine is not there
 */
export async function untrainedAccuracy(
  learner: TrainedLearner,
  { seed, engine }: RunConfig,
  { episodes, ways, shots, queries, innerSteps, seed: episodeSeed, split }: BundleEvaluation,
  tasks: TaskSource,
): Promise<Estimate> {
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

/**
 * The accuracy of a bundle before it adapts to a task: while it is still adapted to the task before, whose classes are
 * others. (A head that is made from the examples answers nothing before it saw any.)
 * @param bundle its folder, `tasks` the data of its evaluation
 * @throws InnerloopError what `Learner.load` throws
 */
export async function unadaptedAccuracy(
  bundle: string,
  tasks: TaskSource,
  evaluation: BundleEvaluation,
): Promise<Estimate> {
  const { episodes, ways, shots, queries, innerSteps, seed, split } = evaluation;
  const answering = await BundleAnswers.open(bundle, { provider: "cpu" });
  const shape = { ways, shots, queries };
  const count = Math.min(episodes, mostEpisodes);
  const drawn = function* () {
    let earlier = tasks.episode(split, seed, episodes, shape);
    for (let i = 0; i < count; i++) {
      const episode = tasks.episode(split, seed, i, shape);
      const { x, y } = episode.query;
      yield { support: earlier.support, query: x, ways, steps: [innerSteps], truth: y.data as Int32Array };
      earlier = episode;
    }
  };
  try {
    const accuracies: number[] = [];
    for await (const { question, answers } of answering.each(drawn(), count)) {
      accuracies.push(metrics.accuracy(metrics.argmax(answers[0]!.queries, ways), question.truth));
      await setImmediate();
    }
    return metrics.estimate(accuracies);
  } finally {
    await answering.dispose();
  }
}
