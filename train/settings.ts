// Which settings of a run config have an effect under which others: the one table of it, for configs and for flags. A
// setting that does nothing is refused where it is given, so that nobody takes a run for what it is not.
import {
  configSchema,
  type ExamplesConfig,
  InnerloopError,
  type RunConfig,
  type RunConfigInput,
} from "@innerloop/schemas";
import { algorithms } from "./algorithms/index.ts";
import { type NamedReader, readerOf, readers } from "./data/index.ts";
import { engines, enginesFor } from "./engines/index.ts";
import { isModelFile, models, settingsOfModel } from "./models/index.ts";
import { optimizers } from "./optimizers/index.ts";
import { base } from "./presets.ts";
import { inWords } from "./registry.ts";

/** A field of the run config, as `model.filters`. */
export type SettingPath = string;

/** Settings that have no effect unless another one is as it has to be. */
interface Condition {
  readonly settings: readonly SettingPath[];
  /** The setting that decides. */
  readonly on: SettingPath;
  /** Whether they have an effect with its value. */
  effective(value: unknown, setting: SettingPath): boolean;
  /** Why they have none otherwise. */
  because(value: unknown, setting: SettingPath): string;
  /** A value of the other setting with which they have one. */
  instead(setting: SettingPath): unknown;
}

const only =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);

/** A condition that is the same for all its settings. */
const on = (
  setting: SettingPath,
  settings: readonly SettingPath[],
  effective: (value: unknown) => boolean,
  because: string,
  instead: unknown,
): Condition => ({ settings, on: setting, effective, because: () => because, instead: () => instead });

const lastOf = (setting: SettingPath): string => setting.replace(/^.*\./, "");

/** A condition on something that is chosen by name, and takes some settings and others not. */
function onChoice<T extends { readonly name: string }>(
  setting: SettingPath,
  choices: { readonly all: readonly T[]; named(name: string): T },
  usual: string,
  prefix: string,
  settingsOf: (choice: T) => readonly string[],
  because: (choice: T, takers: readonly string[]) => string,
): Condition {
  const takers = (path: SettingPath): string[] =>
    choices.all.flatMap((choice) => (settingsOf(choice).includes(lastOf(path)) ? [choice.name] : []));
  return {
    settings: [...new Set(choices.all.flatMap(settingsOf))].map((name) => `${prefix}${name}`),
    on: setting,
    effective: (value, path) => settingsOf(choices.named(String(value))).includes(lastOf(path)),
    because: (value, path) => because(choices.named(String(value)), takers(path)),
    instead: (path) => takers(path).find((name) => name === usual) ?? takers(path)[0],
  };
}

/** Data that only a program has are of any kind. */
const onData = (
  settings: readonly SettingPath[],
  suits: (reader: NamedReader) => boolean,
  because: string,
): Condition => ({
  settings,
  on: "data",
  effective(value) {
    const reader = readerOf(String(value));
    return reader === undefined || suits(reader);
  },
  because: () => because,
  instead: () => readers.all.find(suits)?.spec,
});

/** The engines whose programs can go to worker threads. */
const threaded: readonly string[] = engines.flatMap(({ name, traits }) => (traits.workers ? [name] : []));

const conditions: readonly Condition[] = [
  onChoice(
    "model.kind",
    {
      all: models.all.map(({ name }) => ({ name, options: settingsOfModel(name) })),
      named: (name: string) => ({ name, options: settingsOfModel(name) }),
    },
    base.model.kind,
    "model.",
    ({ options }) => options,
    (_, takers) => `of the named models, ${inWords(takers, "and")} alone ${takers.length > 1 ? "have" : "has"} it`,
  ),
  {
    settings: ["model.weights"],
    on: "model.kind",
    effective: (kind) => isModelFile(String(kind)),
    because: () => "a network of an ONNX file alone has weights to begin at",
    instead: () => undefined,
  },
  onChoice(
    "algorithm",
    algorithms,
    base.algorithm,
    "",
    ({ options }) => Object.keys(options),
    ({ name, without }) => without ?? `the algorithm ${name} has no such setting`,
  ),
  on("learnRates", ["maxInnerRate"], only(true), "inner rates that are not learned stay where they start", true),
  on("steps", ["innerLoop"], (steps) => Number(steps) > 0, "there are no steps", 5),
  on("steps", ["multiStepLoss"], (steps) => Number(steps) > 1, "there is no loss but the last step's", 5),
  onChoice(
    "optimizer.kind",
    optimizers,
    base.optimizer.kind,
    "optimizer.",
    ({ options }) => options,
    ({ name, without }) => without ?? `the optimizer ${name} has no such setting`,
  ),
  on(
    "schedule.decay",
    ["schedule.floor"],
    only("cosine"),
    "a rate that does not decay has no end to fall to",
    "cosine",
  ),
  onData(
    ["ways", "trainingWays", "augment", "shifts", "shifts.share", "shifts.families", "shifts.wrongLabels"],
    ({ kind }) => kind === "classification",
    "a regression has no classes",
  ),
  on(
    "shifts.share",
    ["shifts.families", "shifts.wrongLabels"],
    (share) => Number(share) > 0,
    "no training task is shifted",
    0.3,
  ),
  onData(["split", "folds", "fold"], ({ ownSplits = false }) => !ownSplits, "its classes are split as they are made"),
  on("folds", ["fold"], (folds) => folds !== undefined, "there are no folds to be one of", 5),
  on("folds", ["split"], (folds) => folds === undefined, "the folds take turns", undefined),
  on(
    "from",
    ["compare"],
    (from) => from !== undefined,
    "there is nothing to compare a start from nothing with",
    "drawings",
  ),
  onData(["rotations"], ({ rotations = false }) => rotations, "characters alone are turned"),
  ...Object.keys(configSchema.properties!.examples!.properties!).map((setting) =>
    onData(
      [`examples.${setting}`],
      ({ files }) => files?.settings.includes(setting as keyof ExamplesConfig) ?? false,
      "its examples are made without it",
    ),
  ),
  on(
    "engine",
    ["workers"],
    (engine) => enginesFor(String(engine)).some(({ traits }) => traits.workers),
    `worker threads are for ${inWords(threaded, "and")}`,
    threaded[0],
  ),
  on(
    "engine",
    ["onDeviceLost"],
    (engine) => enginesFor(String(engine)).some(({ traits }) => traits.losable),
    "a processor is not lost",
    base.engine,
  ),
];

/** A setting that was given and does nothing. */
export interface IdleSetting {
  readonly setting: SettingPath;
  /** The setting that makes it so, with its value. */
  readonly on: SettingPath;
  readonly value: unknown;
  readonly because: string;
  readonly instead: unknown;
}

/** What a config has at a path. */
export const settingAt = (config: RunConfig | RunConfigInput, path: SettingPath): unknown =>
  path.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], config);

/** Those of the given settings that have no effect in a complete config, in the order given. */
export function idleSettings(config: RunConfig, given: readonly SettingPath[]): IdleSetting[] {
  return given.flatMap((setting): IdleSetting[] => {
    for (const { settings, on, effective, because, instead } of conditions) {
      const value = settingAt(config, on);
      if (settings.includes(setting) && !effective(value, setting))
        return [{ setting, on, value, because: because(value, setting), instead: instead(setting) }];
    }
    return [];
  });
}

/** How an error names settings: by the keys of a config, or by flags. */
export interface Naming {
  name(setting: SettingPath): string;
  assignment(setting: SettingPath, value: unknown): string;
}

const byKeys: Naming = {
  name: (setting) => setting,
  assignment: (setting, value) => `${setting}: ${JSON.stringify(value)}`,
};

/**
 * Refuses settings that were given and have no effect.
 * @throws InnerloopError `no-effect` (status 2): which, why, and what to do
 */
export function checkEffects(
  config: RunConfig,
  given: readonly SettingPath[],
  { name, assignment }: Naming = byKeys,
): void {
  const [idle] = idleSettings(config, given);
  if (idle)
    throw new InnerloopError(
      "no-effect",
      `${name(idle.setting)} has no effect with ${assignment(idle.on, idle.value)}: ${idle.because}. ` +
        `Leave it out${idle.instead === undefined ? ", or the other" : `, or give ${assignment(idle.on, idle.instead)}`}.`,
      { exitStatus: 2 },
    );
  const { ways, trainingWays } = config;
  if (given.includes("trainingWays") && trainingWays !== undefined && trainingWays < ways)
    throw new InnerloopError(
      "no-effect",
      `${assignment("trainingWays", trainingWays)} has no effect with ${assignment("ways", ways)}: a training task has no fewer ` +
        `classes than others. Give at least ${ways}, or fewer in ${name("ways")}.`,
      { exitStatus: 2 },
    );
}

/** The paths of all settings that a config gives. */
export function settingsOf(input: RunConfigInput): SettingPath[] {
  return Object.entries(input).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.keys(value).map((inside) => `${key}.${inside}`)
      : value === undefined
        ? []
        : [key],
  );
}
