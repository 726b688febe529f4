// The data and the learner of a run, from its config or from what its checkpoint knows of them.
import type { Learner } from "@innerloop/graph";
import { type CheckpointHeader, InnerloopError, type RunConfig, type RunTasks } from "@innerloop/schemas";
import { buildLearner } from "../algorithms/index.ts";
import { isSpec, type OpenTasksOptions, openTasks, type SplitRule, type TaskSource } from "../data/index.ts";
import { buildModel } from "../models/index.ts";
import { trainingWaysOf } from "./episodes.ts";

/**
 * The data of a config, opened.
 * @param known what a run knows of its data, which are then opened as it had them
 * @param made how files become examples, where that is known from elsewhere, and what those of there looked like
 * @param onRead told after each file
 * @throws InnerloopError what opening them throws; `data-missing` (status 2) for data that only a program has
 */
export async function tasksOf(
  config: Pick<RunConfig, "data" | "rotations" | "examples" | "split" | "folds" | "fold">,
  known?: RunTasks,
  { preprocessing: made, like }: Pick<OpenTasksOptions, "preprocessing" | "like"> = {},
  onRead?: OpenTasksOptions["onRead"],
): Promise<TaskSource> {
  const { data, rotations, examples } = config;
  const spec = known?.name ?? data;
  if (known && !isSpec(spec))
    throw new InnerloopError(
      "data-missing",
      `The data "${spec}" were given by a program, which has them; go on in that program: runTraining({ config, tasks, out, resume: true }).`,
      { exitStatus: 2 },
    );
  const preprocessing = known?.preprocessing ?? made;
  return openTasks(spec, {
    ...(rotations === undefined ? {} : { rotations }),
    ...(examples === undefined ? {} : { examples }),
    ...(preprocessing ? { preprocessing } : {}),
    ...(like && !known ? { like } : {}),
    ...(onRead ? { onRead } : {}),
    split: splitRule(config, known),
  });
}

/** How a config splits classes, or how a run did. */
function splitRule({ split, folds, fold }: Pick<RunConfig, "split" | "folds" | "fold">, known?: RunTasks): SplitRule {
  return {
    ...(split ? { parts: split } : {}),
    ...(folds === undefined ? {} : { folds: { of: folds, ...(fold === undefined ? {} : { number: fold }) } }),
    ...(known?.split ? { as: known.split } : {}),
  };
}

/** What a run knows of its data, which may have moved. */
export const knownTasks = (
  { config, tasks }: CheckpointHeader,
  { data }: Pick<RunConfig, "data">,
): RunTasks | undefined => (tasks && data !== config.data ? { ...tasks, name: data } : tasks);

/** The learner of a config, for tasks. */
export function learnerOf(config: RunConfig, tasks: Pick<TaskSource, "kind" | "inputShape" | "outputSize">): Learner {
  const outputs = tasks.kind === "regression" ? tasks.outputSize! : trainingWaysOf(config);
  return buildLearner(config, buildModel(config.model, tasks.inputShape, outputs), tasks.kind);
}
