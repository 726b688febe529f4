// What a run config is that starts from a bundle: the bundle's model, algorithm and head, and figures for training on.
import { InnerloopError, type Preprocessing, type RunConfig, type RunConfigInput, show } from "@innerloop/schemas";
import { algorithms } from "../algorithms/index.ts";
import { base } from "../presets.ts";
import type { StartBundle } from "./bundle.ts";

/**
 * Of a start from nothing the rate is many times as large. What is there already is moved gently, and looked at often, so that
 * the weights that did best on held-back classes are kept before those of few classes are learned by heart.
 */
const gentle = {
  optimizer: { rate: 1e-3 },
  schedule: { warmup: 20 },
  validation: { every: 100 },
};

/**
 * The settings of a bundle under those that are given.
 * @throws InnerloopError `from-contradiction` (status 2) for a model other than the bundle's
 */
export function settingsFrom({ manifest, model }: StartBundle, given: RunConfigInput): RunConfigInput {
  for (const [setting, value] of Object.entries(given.model ?? {})) {
    const own = model[setting as keyof typeof model];
    if (value === undefined || value === "auto" || JSON.stringify(own) === JSON.stringify(value)) continue;
    throw contradiction(manifest.name, `model.${setting} ${own === undefined ? "unset" : show(own)}`, show(value));
  }
  const { innerLoop, training } = manifest;
  const algorithm = given.algorithm ?? innerLoop.algorithm;
  const same = algorithm === innerLoop.algorithm;
  const takesSteps = "steps" in algorithms.named(algorithm).options;
  const { data = training?.data, optimizer, schedule, validation, ...rest } = given;
  const ways = given.ways ?? training?.ways;
  const shots = given.shots ?? innerLoop.shots ?? training?.shots;
  return {
    ...(same && innerLoop.head ? { head: innerLoop.head } : {}),
    ...(same && takesSteps && given.steps === undefined ? { testSteps: innerLoop.steps } : {}),
    ...(same && innerLoop.loop && takesSteps ? { loop: innerLoop.loop } : {}),
    ...rest,
    ...(data === undefined ? {} : { data }),
    ...(ways === undefined ? {} : { ways }),
    ...(shots === undefined ? {} : { shots }),
    algorithm,
    model,
    optimizer: { ...gentle.optimizer, ...optimizer },
    schedule: { ...gentle.schedule, ...schedule },
    validation: { ...gentle.validation, ...validation },
  };
}

/** The same run from nothing: with the rate that this takes, unless another was asked for. */
export function fromNothing({ from: _, compare: __, ...config }: RunConfig): RunConfig {
  const { optimizer, schedule } = config;
  return {
    ...config,
    ...(optimizer.rate === gentle.optimizer.rate ? { optimizer: { ...optimizer, rate: base.optimizer.rate } } : {}),
    ...(schedule.warmup === gentle.schedule.warmup ? { schedule: { ...schedule, warmup: base.schedule.warmup } } : {}),
  };
}

/**
 * The preprocessing of a bundle, with what of it is asked for otherwise. The weights say later whether another size fits.
 * @throws InnerloopError `from-contradiction` (status 2) for settings that its examples are not made by
 */
export function preprocessingFrom(
  { manifest }: Pick<StartBundle, "manifest">,
  { size, channels, margin, invert, ...others }: NonNullable<RunConfigInput["examples"]> = {},
): Preprocessing | undefined {
  const { preprocessing } = manifest.input;
  const [setting] = Object.entries(others).find(([name]) => name !== "label" && name !== "hop") ?? [];
  if (preprocessing?.kind !== "image") {
    if (setting === undefined) return preprocessing;
    throw contradiction(manifest.name, "its own preprocessing", `examples.${setting}`);
  }
  const [width, height] = typeof size === "number" ? [size, size] : (size ?? []);
  return {
    ...preprocessing,
    ...(width === undefined ? {} : { width, height: height ?? width }),
    ...(channels === undefined ? {} : { channels }),
    ...(margin === undefined ? {} : { margin }),
    ...(invert === undefined ? {} : { invert }),
  };
}

const contradiction = (name: string, own: string, given: string): InnerloopError =>
  new InnerloopError(
    "from-contradiction",
    `The bundle "${name}" has ${own}, but ${given} was given beside from (--from); leave it out, or train from nothing.`,
    { exitStatus: 2 },
  );
