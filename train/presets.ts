// Complete run configs by name. What a partial one is completed with is in complete.ts.
import { InnerloopError, type RunConfig, suggest } from "@innerloop/schemas";

/** What a config is where neither a preset nor its data say otherwise. */
export const base: RunConfig = {
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

/**
 * What it is for data of one's own, from files or given by a program: the model is chosen when they are open, and training tasks
 * have fewer classes where the data have fewer.
 */
export const ownData: RunConfig = {
  ...base,
  model: { kind: "auto" },
  trainingWays: 20,
  queries: 4,
  metaBatch: 2,
  augment: ["usual"],
};

/** Characters are the same in light on dark. */
const characters: Pick<RunConfig, "model"> = { model: { ...base.model, input: "polarity-free" } };

/** For data with hundreds of classes: a few tasks of many classes teach more in the same time than many of few. */
const manyWays = { trainingWays: 20, queries: 4, metaBatch: 2 };

/** The same where the head has a fixed number of outputs or the body moves, which costs more for each class. */
export const someWays = { trainingWays: 10, queries: 5, metaBatch: 4 };

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
  "motions-5way-1shot": {
    summary: "embedded gestures of a hand-held device, 5 ways, 1 shot",
    config: { ...ownData, preset: "motions-5way-1shot", data: "motions", minutes: 5 },
  },
  "tones-5way-1shot": {
    summary: "embedded sounds, such as words, whistles and knocks, 5 ways, 1 shot",
    config: { ...ownData, preset: "tones-5way-1shot", data: "tones", minutes: 5 },
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
    config: { ...ownData, preset: "images-5way-1shot", data: "images:images", minutes: 10 },
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
