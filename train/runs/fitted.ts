// What a config leaves to the data, decided once they are open: the model, its strides, and how many classes a training task has.
import type { RunConfig } from "@innerloop/schemas";
import { augmentationNames, type TaskSource } from "../data/index.ts";
import { autoModel, chooseModel, models } from "../models/index.ts";
import { trainingWaysOf } from "./episodes.ts";

/** A config with nothing left open, and what of it the data decided, one sentence each. */
export interface FittedConfig {
  readonly config: RunConfig;
  readonly notes: readonly string[];
}

/**
 * The config that a run has, of the one that was asked for.
 * @throws InnerloopError (status 2) for a setting that a chosen model has not
 */
export function fittedTo(asked: RunConfig, tasks: TaskSource): FittedConfig {
  const notes: string[] = [];
  const { inputShape, preprocessing } = tasks;
  const named = models.find(asked.model.kind);
  let model = { ...named?.sized?.(inputShape, asked.model), ...asked.model };
  if (asked.model.kind === autoModel) {
    const chosen = chooseModel(asked.model, { inputShape, ...(preprocessing ? { preprocessing } : {}) });
    model = chosen.model;
    notes.push(`The model is ${inWords(model)}, chosen ${chosen.because}`);
  }
  const { ways, trainingWays } = asked;
  const classes = tasks.kind === "classification" ? tasks.classCount("train") : Number.POSITIVE_INFINITY;
  const fewer = trainingWays !== undefined && classes < trainingWaysOf(asked) && classes >= ways;
  if (fewer)
    notes.push(`Training tasks have ${classes} classes, all that there are to train on, and not ${trainingWays}`);
  const config = { ...asked, model, ...(fewer ? { trainingWays: classes } : {}), ...augmentOf(asked, tasks) };
  return { config, notes };
}

/** The names of what examples are augmented by, in place of the word for those that are usual. */
function augmentOf({ augment }: RunConfig, tasks: TaskSource): Pick<RunConfig, "augment"> {
  if (!augment) return {};
  const names = tasks.kind === "classification" ? augmentationNames(tasks, augment) : [];
  return { augment: names.length > 0 ? names : null };
}

/** What a resumed run goes on with where its config leaves it to the data: what was decided when it began. */
export function asDecided(asked: RunConfig, before: RunConfig): RunConfig {
  const model =
    asked.model.kind === autoModel || asked.model.kind === before.model.kind
      ? { ...before.model, ...asked.model, kind: before.model.kind }
      : asked.model;
  const fewer = (before.trainingWays ?? 0) < (asked.trainingWays ?? 0) && before.trainingWays !== undefined;
  const { augment = null } = before;
  return {
    ...asked,
    model,
    ...(asked.augment === undefined ? {} : { augment }),
    ...(fewer ? { trainingWays: before.trainingWays! } : {}),
  };
}

/** A model as people read it: `conv1d with filters 64 and strides 2,2,2,1`. */
function inWords({ kind, ...settings }: RunConfig["model"]): string {
  const shown = Object.entries(settings).map(([name, value]) => `${name} ${String(value)}`);
  return shown.length === 0 ? kind : `${kind} (${shown.join("; ")})`;
}
