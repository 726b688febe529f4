// Complete run configs by name, and what a partial one is completed with.
import { InnerloopError, type ModelConfig, type RunConfig, type RunConfigInput, suggest } from "@innerloop/schemas";
import { checkEffects, settingAt, settingsOf } from "./settings.ts";

const base: RunConfig = {
  version: 1,
  data: "glyphs",
  model: { kind: "conv4", filters: 64, strides: [2, 2, 2, 1], norm: "layer", pooling: "flat", input: "standardized" },
  algorithm: "anil",
  head: "prototypes",
  steps: 5,
  innerRate: 0.4,
  learnRates: true,
  maxInnerRate: 10,
  multiStepLoss: false,
  ways: 5,
  shots: 1,
  queries: 5,
  metaBatch: 8,
  optimizer: { kind: "adam", rate: 5e-3 },
  schedule: { warmup: 50, decay: "cosine", floor: 0.02 },
  clip: 10,
  engine: "auto",
  seed: 0,
  validation: { every: 500, episodes: 100 },
  // What this gives and costs is in docs/results.md.
  shifts: { share: 0.25, wrongLabels: 0.2 },
};

/** Characters are the same in light on dark. */
const characters: Pick<RunConfig, "model"> = { model: { ...base.model, input: "polarity-free" } };

/** For data with hundreds of classes: a few tasks of many classes teach more in the same time than many of few. */
const manyWays = { trainingWays: 20, queries: 4, metaBatch: 2 };

/** The same where the head has a fixed number of outputs or the body moves, which costs more for each class. */
const someWays = { trainingWays: 10, queries: 5, metaBatch: 4 };

/** A preset: what it is for, and its config. */
export interface Preset {
  readonly summary: string;
  readonly config: RunConfig;
}

export const presets: Readonly<Record<string, Preset>> = {
  quickstart: {
    summary: "the embedded glyphs, 5 ways, 1 shot, in two minutes",
    config: { ...base, ...manyWays, ...characters, preset: "quickstart", minutes: 2 },
  },
  "glyphs-5way-1shot": {
    summary: "the embedded glyphs, 5 ways, 1 shot",
    config: { ...base, ...manyWays, ...characters, preset: "glyphs-5way-1shot", minutes: 5 },
  },
  "omniglot-5way-1shot": {
    summary: "Omniglot with classes turned by 90°, 5 ways, 1 shot; give --data omniglot:DIR",
    config: {
      ...base,
      ...manyWays,
      ...characters,
      preset: "omniglot-5way-1shot",
      data: "omniglot:omniglot",
      minutes: 10,
      rotations: true,
    },
  },
  "omniglot-5way-5shot": {
    summary: "Omniglot with classes turned by 90°, 5 ways, 5 shots; give --data omniglot:DIR",
    config: {
      ...base,
      ...manyWays,
      ...characters,
      preset: "omniglot-5way-5shot",
      data: "omniglot:omniglot",
      shots: 5,
      minutes: 10,
      rotations: true,
    },
  },
  "images-5way-1shot": {
    summary: "a folder of images, one sub-folder a class; give --data images:DIR",
    config: { ...base, preset: "images-5way-1shot", data: "images:images", minutes: 10 },
  },
  "sinusoid-10shot": {
    summary: "sinusoids from 10 points (Finn et al. 2017, §5.1)",
    config: {
      ...base,
      preset: "sinusoid-10shot",
      data: "sinusoid",
      model: { kind: "mlp", hidden: [40, 40] },
      algorithm: "maml",
      head: "learned",
      steps: 5,
      innerRate: 0.01,
      maxInnerRate: 0.1,
      ways: 1,
      shots: 10,
      queries: 10,
      metaBatch: 25,
      optimizer: { kind: "adam", rate: 2e-3 },
      schedule: { warmup: 100, decay: "cosine", floor: 0.01 },
      minutes: 2.5,
      shifts: null,
      validation: { every: 4000, episodes: 100 },
    },
  },
};

/**
 * The preset of a name.
 * @throws InnerloopError (status 2) listing the presets, with the nearest name
 */
export function presetNamed(name: string): Preset {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset) return preset;
  const nearest = suggest(name, Object.keys(presets));
  throw new InnerloopError(
    "unknown-preset",
    `There is no preset "${name.length > 80 ? `${name.slice(0, 79)}…` : name}"${nearest ? `; did you mean "${nearest}"?` : "."} Presets: ${Object.keys(presets).join(", ")}.`,
    { exitStatus: 2 },
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function merge<T>(under: T, over: unknown): T {
  if (!isObject(under) || !isObject(over)) return (over === undefined ? under : over) as T;
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) if (value !== undefined) merged[key] = merge(merged[key], value);
  return merged as T;
}

/**
 * Completes what a file or flags give: by the preset they name, else by defaults for their data.
 * A length in minutes replaces the preset's in iterations, and the other way round.
 * @throws InnerloopError (status 2) for settings that do not go together, and `no-effect` for one that does nothing beside
 *   the others; what is as it would be without it is let pass, so that a complete config is one, too
 */
export function completeConfig(input: RunConfigInput): RunConfig {
  const config = completed(input);
  const without = completed({
    ...(input.preset === undefined ? {} : { preset: input.preset }),
    data: config.data,
    algorithm: config.algorithm,
    head: config.head,
    model: { kind: config.model.kind },
  });
  const changed = settingsOf(input).filter(
    (path) => JSON.stringify(settingAt(input, path)) !== JSON.stringify(settingAt(without, path)),
  );
  checkEffects(config, changed);
  return config;
}

/** The same without a look at what has no effect, for flags on top of a config. */
export function completed(input: RunConfigInput): RunConfig {
  const preset = input.preset ?? (input.data?.startsWith("sinusoid") ? "sinusoid-10shot" : undefined);
  const start = preset ? presetNamed(preset).config : base;
  const { iterations, minutes, ...rest } = start;
  const length =
    input.iterations !== undefined || input.minutes !== undefined
      ? {}
      : iterations !== undefined
        ? { iterations }
        : { minutes: minutes ?? 5 };
  const under: RunConfig = { ...rest, ...length, ...suited(input, start) };
  // Another kind of model starts from its own defaults, not from those of the preset's model.
  const model: Partial<ModelConfig> | undefined =
    input.model?.kind && input.model.kind !== start.model.kind
      ? undefined
      : input.model?.pool && !start.model.pool
        ? withoutStrides(start.model)
        : start.model;
  const config = merge(
    { ...under, model: (model ?? {}) as ModelConfig },
    {
      ...input,
      ...(preset ? { preset } : {}),
    },
  );
  const complete: RunConfig = { ...config, head: input.head ?? defaultHead(config.algorithm, start) };
  if (complete.data.startsWith("sinusoid") && complete.shifts)
    throw new InnerloopError(
      "config-invalid",
      "The data sinusoid are a regression, whose answers depend on what would be shifted; leave shifts out, or give null (--no-shifts).",
      { exitStatus: 2 },
    );
  if (complete.algorithm === "prototypes" && input.head !== undefined && input.head !== "prototypes")
    throw new InnerloopError(
      "config-invalid",
      `The algorithm prototypes makes its head from prototypes, but head is "${input.head}"; leave head out, or choose another algorithm.`,
      { exitStatus: 2 },
    );
  return complete;
}

/** Blocks that are pooled have strides of their own by default: both would leave no pixel. */
function withoutStrides({ strides: _, ...model }: ModelConfig): ModelConfig {
  return model;
}

/** What a head starts from where only the algorithm is chosen. */
function defaultHead(algorithm: RunConfig["algorithm"], start: RunConfig): RunConfig["head"] {
  if (algorithm === start.algorithm) return start.head;
  return algorithm === "maml" || algorithm === "fomaml" ? "learned" : "prototypes";
}

/**
 * What a preset changes where another algorithm or head is chosen than its own: figures that suited the first. Where the body
 * moves, one step in training teaches more in the same time; ten afterwards leave room for those that data unlike the
 * training's make the guard take back.
 */
function suited(input: RunConfigInput, start: RunConfig): RunConfigInput & Partial<RunConfig> {
  const algorithm = input.algorithm ?? start.algorithm;
  const head = input.head ?? defaultHead(algorithm, start);
  const bodyMoves = algorithm === "maml" || algorithm === "fomaml";
  const bodyMoved = start.algorithm === "maml" || start.algorithm === "fomaml";
  return {
    ...(start.trainingWays !== undefined && (head === "learned" || bodyMoves) ? someWays : {}),
    ...(bodyMoves && !bodyMoved && input.steps === undefined ? { steps: 1, testSteps: 10 } : {}),
  };
}
