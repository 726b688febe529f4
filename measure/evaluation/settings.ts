// What of an evaluation the bundle decides where nobody says it, and what does not fit the bundle.
import { type Manifest, takesSteps } from "@innerloop/schemas";
import { type EpisodeShape, PooledTasks, type Split, type TaskSource } from "@innerloop/train";
import { wrongCall } from "../refusal.ts";
import type { EvaluationOptions } from "./evaluation.ts";

type Naming = NonNullable<EvaluationOptions["naming"]>;

/** The inner steps of each adaptation. */
export const stepsOf = ({ steps }: EvaluationOptions, manifest: Manifest): number =>
  takesSteps(manifest) ? (steps ?? manifest.innerLoop.steps) : 0;

/**
 * Refuses settings that do nothing for a bundle.
 * @throws InnerloopError `no-effect` (status 2)
 */
export function checkEffects({ steps, ways }: EvaluationOptions, manifest: Manifest, naming: Naming): void {
  const idle = (setting: string, because: string) =>
    wrongCall("no-effect", `${naming(setting)} has no effect here: ${because}. Leave it out.`);
  if (steps !== undefined && !takesSteps(manifest))
    throw idle("steps", `the bundle "${manifest.name}" (${manifest.innerLoop.algorithm}) takes no inner steps`);
  if (ways !== undefined && manifest.task === "regression")
    throw idle("ways", `the bundle "${manifest.name}" is for a regression, which has no classes`);
}

/** SPEC of the data. @throws InnerloopError `missing-option` (status 2) */
export function dataOf({ data }: EvaluationOptions, manifest: Manifest, naming: Naming): string {
  const spec = data ?? manifest.training?.data;
  if (spec !== undefined) return spec;
  throw wrongCall(
    "missing-option",
    `The bundle "${manifest.name}" does not say which data it was trained on; give ${naming("data")} SPEC.`,
  );
}

/** The data of the parts that are asked for, and these parts. @throws InnerloopError `bad-option` (status 2) */
export function partsOf(
  tasks: TaskSource,
  split: Split | readonly Split[],
  naming: Naming,
): { tasks: TaskSource; parts: readonly [Split, ...Split[]] } {
  const [first = "test", ...others] = [...new Set([split].flat())];
  if (others.length === 0) return { tasks, parts: [first] };
  if (tasks instanceof PooledTasks) return { tasks: tasks.joined([first, ...others]), parts: [first, ...others] };
  throw wrongCall(
    "bad-option",
    `${naming("split")} names ${others.length + 1} parts, but the data ${tasks.name} have no classes to put together; name one.`,
  );
}

/** The sizes of each episode. @throws InnerloopError `bad-option` (status 2) */
export function shapeOf(
  { ways, shots, queries = 15 }: EvaluationOptions,
  manifest: Manifest,
  naming: Naming,
): EpisodeShape {
  const { training, innerLoop, output, task } = manifest;
  const shape = {
    ways: task === "regression" ? 1 : (ways ?? training?.ways ?? output.ways ?? 5),
    shots: shots ?? innerLoop.shots ?? training?.shots ?? 1,
    queries,
  };
  if (task === "classification" && shape.ways < 2)
    throw wrongCall("bad-option", `${naming("ways")} is ${shape.ways}; a whole number from 2 was expected.`);
  if (output.ways !== null && shape.ways > output.ways)
    throw wrongCall(
      "bad-option",
      `${naming("ways")} is ${shape.ways}; the bundle "${manifest.name}" tells up to ${output.ways} classes apart. Give fewer, or ` +
        `train with ${naming("head")} prototypes, which takes any number.`,
    );
  return shape;
}

/** Whether data are what a bundle is for. @throws InnerloopError `wrong-data` (status 2) */
export function checkFit(manifest: Manifest, tasks: TaskSource): void {
  if (tasks.kind !== manifest.task)
    throw wrongCall(
      "wrong-data",
      `The data ${tasks.name} are a ${tasks.kind}, but the bundle "${manifest.name}" is for ${manifest.task}; give other data.`,
    );
  if (tasks.inputShape.join() !== manifest.input.shape.join())
    throw wrongCall(
      "wrong-data",
      `The examples of ${tasks.name} have the shape [${tasks.inputShape}], but the bundle "${manifest.name}" takes ` +
        `[${manifest.input.shape}]; give other data.`,
    );
}

/** Predicts with the query batch's own statistics; a bundle with batch norm has it. */
const transductiveFile = "predict-transductive.onnx";

/** The file that a transductive evaluation predicts with. @throws InnerloopError `bad-option` (status 2) where the bundle has none */
export function transductiveFileOf({ name, files, training }: Manifest, naming: Naming): string {
  if (files[transductiveFile]) return transductiveFile;
  throw wrongCall(
    "bad-option",
    `${naming("transductive")} was given, but the bundle "${name}" has no batch norm (its norm is ` +
      `${training?.norm ?? "unknown"}), so a query's answer cannot depend on the others; leave it out.`,
  );
}
