// What may change when a run goes on, and what may not: what does not fit its checkpoint, and what would make its scores
// mean something else, since the best one of them decides which weights are kept.
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type CheckpointHeader, InnerloopError, type RunConfig, type RunTasks } from "@innerloop/schemas";
import { heads } from "../algorithms/index.ts";
import type { Episode, TaskSource } from "../data/index.ts";
import { settingAt, settingsOf } from "../settings.ts";
import { trainingWaysOf } from "./episodes.ts";

/** Fields that decide what arrays there are, and fields that decide what a validation measures. */
const fixed = ["model", "algorithm", "head", "learnRates", "optimizer.kind", "from"] as const;
const measured = [
  "ways",
  "shots",
  "queries",
  "steps",
  "testSteps",
  "loop",
  "seed",
  "validation.episodes",
  "split",
  "folds",
  "fold",
] as const;

/** Every value of a config by its path. */
function valuesOf(config: RunConfig): Map<string, unknown> {
  const values = new Map<string, unknown>(settingsOf(config).map((path) => [path, settingAt(config, path)]));
  // Of a learned head the number of outputs counts; inner rates that are learned are in the checkpoint.
  values.set("trainingWays", heads.named(config.head).learned ? trainingWaysOf(config) : undefined);
  values.set("innerRate", config.learnRates ? undefined : config.innerRate);
  return values;
}

/**
 * Refuses a config that a run cannot go on with.
 * @throws InnerloopError `other-run` (status 2) naming each setting with both values
 */
export function checkResumable(run: string, before: RunConfig, config: RunConfig): void {
  const [was, is] = [valuesOf(before), valuesOf(config)];
  const paths = new Set([...was.keys(), ...is.keys()]);
  const differing = (fields: readonly string[]): string[] =>
    [...paths]
      .filter((path) => fields.some((field) => path === field || path.startsWith(`${field}.`)))
      .filter((path) => !isDeepStrictEqual(was.get(path), is.get(path)))
      .map((path) => `${path} ${show(was.get(path))} in the run, ${show(is.get(path))} asked for`);
  const unfit = differing([...fixed, "trainingWays"]);
  const unlike = differing([...measured, "innerRate"]);
  if (unfit.length + unlike.length === 0) return;
  const why = [
    ...(unfit.length > 0 ? [`the checkpoint does not fit (${unfit.join("; ")})`] : []),
    ...(unlike.length > 0 ? [`scores could not be compared with those before (${unlike.join("; ")})`] : []),
  ];
  throw new InnerloopError(
    "other-run",
    `${run} cannot go on like that: ${why.join(", and ")}. Leave that out, or begin a new run in another folder (--out).`,
    { exitStatus: 2 },
  );
}

const show = (value: unknown): string => (value === undefined ? "not set" : JSON.stringify(value));

/** What a run keeps of its data: enough to make its learner, and to know them again. @param held its validation episodes */
export function describeTasks(tasks: TaskSource, held: readonly Episode[]): RunTasks {
  const { name, kind, inputShape, outputSize, preprocessing, split } = tasks;
  const classes = held.map((episode) => episode.classes ?? []);
  return {
    name,
    kind,
    inputShape: [...inputShape],
    ...(outputSize === undefined ? {} : { outputSize }),
    ...(preprocessing ? { preprocessing } : {}),
    ...(split ? { split } : {}),
    ...(kind === "classification"
      ? {
          heldBack: {
            classes: Math.min(tasks.classCount("val"), Number.MAX_SAFE_INTEGER),
            drawn: createHash("sha256").update(JSON.stringify(classes)).digest("hex").slice(0, 16),
          },
        }
      : {}),
  };
}

/**
 * Refuses other data than a run was begun with; the same ones may have moved.
 * @throws InnerloopError `other-run` (status 2) with what differs
 */
export function checkSameTasks(run: string, { config, tasks: was }: CheckpointHeader, is: RunTasks): void {
  const refuse = (what: string): never => {
    throw new InnerloopError(
      "other-run",
      `${run} cannot go on with other data: ${what}, so that scores could not be compared with those before. Give the data that ` +
        "it was begun with, or begin a new run in another folder (--out).",
      { exitStatus: 2 },
    );
  };
  if (!was) {
    if (config.data !== is.name) refuse(`it was begun with ${config.data}, and ${is.name} was given`);
    return;
  }
  const shape = ({ kind, inputShape, outputSize }: RunTasks) =>
    `${kind} of examples [${inputShape}]${outputSize === undefined ? "" : ` to ${outputSize} values`}`;
  if (shape(was) !== shape(is)) refuse(`${was.name} was a ${shape(was)}, and ${is.name} is a ${shape(is)}`);
  if (!isDeepStrictEqual(was.preprocessing, is.preprocessing))
    refuse(
      `preprocessing was ${show(was.preprocessing)} for ${was.name}, and is ${show(is.preprocessing)} for ${is.name}`,
    );
  if (!isDeepStrictEqual(was.heldBack, is.heldBack))
    refuse(
      `the ${was.heldBack?.classes} classes that ${was.name} held back are not the ${is.heldBack?.classes} that ${is.name} holds back`,
    );
}
