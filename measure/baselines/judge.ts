// Judges results beside baselines: an evaluation's, and a run's by its best validation.
import { setImmediate } from "node:timers/promises";
import type { RunConfig } from "@innerloop/schemas";
import { heldBackEpisodes, type TaskSource, validationEpisode } from "@innerloop/train";
import type { Estimate } from "../estimate.ts";
import { SimpleScores } from "./simple-scores.ts";
import { baselineNames, type Judged, type Verdict, verdictOf } from "./verdict.ts";

/** Episodes of a comparison at most; its answer need not be as sharp as the result's. */
export const mostEpisodes = 200;

/** Judges a result beside baselines. @param luck as {@link verdictOf} */
export function judge(judged: Omit<Judged, "guessing">, luck?: number): Verdict {
  const { baselines } = judged;
  const guessing = baselines.find(({ name }) => name === baselineNames.meanTarget);
  return verdictOf(
    { ...judged, ...(guessing ? { guessing, baselines: baselines.filter((each) => each !== guessing) } : {}) },
    luck,
  );
}

/**
 * Judges a run by its best validation, beside simple ways on the same episodes.
 * @param config of the run, `tasks` its data
 * @param score of the best validation, with the interval that was measured; a regression's is its loss
 * @param validations of which it is the best one
 */
export async function runVerdict(
  config: RunConfig,
  tasks: TaskSource,
  score: Estimate,
  validations: number,
): Promise<Verdict> {
  const simple = new SimpleScores(tasks.kind);
  const { validation } = config;
  const { shape } = heldBackEpisodes(tasks, config);
  const episodes = Math.min(validation.episodes, mostEpisodes);
  for (let i = 0; i < episodes; i++) {
    simple.add(validationEpisode(tasks, config, i), true);
    await setImmediate();
  }
  return judge(
    {
      task: tasks.kind,
      ways: shape.ways,
      episodes: validation.episodes,
      score,
      baselines: simple.besideMean(score),
      trainingClasses: tasks.classCount("train"),
    },
    // The largest of k values of a normal distribution lies √(2 ln k) deviations above their mean, at most.
    Math.sqrt(2 * Math.log(Math.max(1, validations))) / 1.96,
  );
}
