// Which settings of a run config have an effect under which others: the one table of it, for configs and for flags. A
// setting that does nothing is refused where it is given, so that nobody takes a run for what it is not.
import { InnerloopError, type RunConfig, type RunConfigInput } from "@innerloop/schemas";

/** A field of the run config, as `model.filters`. */
export type SettingPath = string;

/** Settings that have no effect unless another one is as it has to be. */
interface Condition {
  readonly settings: readonly SettingPath[];
  /** The setting that decides. */
  readonly on: SettingPath;
  /** Whether they have an effect with its value. */
  effective(value: unknown): boolean;
  /** Why they have none otherwise. */
  readonly because: string;
  /** A value of the other setting with which they have one. */
  readonly instead: unknown;
}

const only =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);

const kindOfData = (value: unknown): string => String(value).split(":")[0]!;

const conditions: readonly Condition[] = [
  {
    settings: ["model.filters", "model.strides", "model.pool", "model.norm", "model.pooling", "model.input"],
    on: "model.kind",
    effective: only("conv4"),
    because: "of the named models, conv4 alone has it",
    instead: "conv4",
  },
  {
    settings: ["model.hidden"],
    on: "model.kind",
    effective: only("mlp"),
    because: "of the named models, mlp alone has it",
    instead: "mlp",
  },
  {
    settings: ["steps", "testSteps", "loop", "innerRate", "learnRates", "maxInnerRate", "multiStepLoss"],
    on: "algorithm",
    effective: only("maml", "fomaml", "anil"),
    because: "class means take no inner steps",
    instead: "anil",
  },
  {
    settings: ["maxInnerRate"],
    on: "learnRates",
    effective: only(true),
    because: "inner rates that are not learned stay where they start",
    instead: true,
  },
  {
    settings: ["multiStepLoss"],
    on: "steps",
    effective: (steps) => Number(steps) > 1,
    because: "there is no loss but the last step's",
    instead: 5,
  },
  {
    settings: ["optimizer.momentum"],
    on: "optimizer.kind",
    effective: only("sgd"),
    because: "adam has moments of its own",
    instead: "sgd",
  },
  {
    settings: ["schedule.floor"],
    on: "schedule.decay",
    effective: only("cosine"),
    because: "a rate that does not decay has no end to fall to",
    instead: "cosine",
  },
  {
    settings: ["ways", "trainingWays", "shifts", "shifts.share", "shifts.families", "shifts.wrongLabels"],
    on: "data",
    effective: (data) => kindOfData(data) !== "sinusoid",
    because: "a regression has no classes",
    instead: "glyphs",
  },
  {
    settings: ["shifts.families", "shifts.wrongLabels"],
    on: "shifts.share",
    effective: (share) => Number(share) > 0,
    because: "no training task is shifted",
    instead: 0.3,
  },
  {
    settings: ["rotations"],
    on: "data",
    effective: (data) => !only("images", "sinusoid")(kindOfData(data)),
    because: "characters alone are turned",
    instead: "glyphs",
  },
  {
    settings: ["workers"],
    on: "engine",
    effective: only("auto", "onnxruntime", "onnxruntime:cpu"),
    because: "worker threads are for ONNX Runtime on the processor",
    instead: "onnxruntime:cpu",
  },
  {
    settings: ["onDeviceLost"],
    on: "engine",
    effective: (engine) => !only("onnxruntime:cpu", "tfjs:cpu", "tfjs:wasm")(engine),
    because: "a processor is not lost",
    instead: "auto",
  },
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
      if (settings.includes(setting) && !effective(value)) return [{ setting, on, value, because, instead }];
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
        `Leave it out, or give ${assignment(idle.on, idle.instead)}.`,
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
