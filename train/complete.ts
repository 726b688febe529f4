// Completes what a config leaves out: by the preset that it names, else by defaults for its data; and refuses what does not go
// together.
import { InnerloopError, type ModelConfig, type RunConfig, type RunConfigInput } from "@innerloop/schemas";
import { algorithms, heads } from "./algorithms/index.ts";
import { readerOf } from "./data/index.ts";
import { enginesFor } from "./engines/index.ts";
import { autoModel, isModelFile, models } from "./models/index.ts";
import { base, ownData, presetNamed, someWays } from "./presets.ts";
import { oneOf } from "./registry.ts";
import { checkEffects, settingAt, settingsOf } from "./settings.ts";

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
  const preset = input.preset ?? (input.data === undefined ? undefined : readerOf(input.data)?.preset);
  const start = preset ? presetNamed(preset).config : startFor(input);
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
      ? start.model.kind === autoModel && input.model.kind === base.model.kind
        ? withoutStrides(base.model)
        : undefined
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
  checkChoices(input, complete);
  return complete;
}

/**
 * That what is chosen is there, and goes together.
 * @throws InnerloopError (status 2)
 */
function checkChoices(
  input: RunConfigInput,
  { data, shifts, augment, algorithm: name, model, engine }: RunConfig,
): void {
  if (model.kind !== autoModel && !isModelFile(model.kind)) models.named(model.kind);
  enginesFor(engine);
  const reader = readerOf(data);
  if (reader?.kind === "regression" && augment)
    throw new InnerloopError(
      "config-invalid",
      `The data ${data} are a regression, whose answers depend on what would be changed; leave augment out, or give null (--no-augment).`,
      { exitStatus: 2 },
    );
  if (reader?.kind === "regression" && shifts)
    throw new InnerloopError(
      "config-invalid",
      `The data ${data} are a regression, whose answers depend on what would be shifted; leave shifts out, or give null (--no-shifts).`,
      { exitStatus: 2 },
    );
  const algorithm = algorithms.named(name);
  if (input.head !== undefined && !algorithm.heads.includes(input.head))
    throw new InnerloopError(
      "config-invalid",
      `The algorithm ${name} has the head ${oneOf(algorithm.heads)}, but head is ${JSON.stringify(input.head)}; leave head out, or choose another algorithm.`,
      { exitStatus: 2 },
    );
}

/** Data of one's own are all that are split by classes, unless they are characters of this project's making or a program's without a name. */
function startFor({ data }: RunConfigInput): RunConfig {
  if (data === undefined) return base;
  const reader = readerOf(data);
  return reader?.ownSplits ? base : ownData;
}

/** Blocks that are pooled have strides of their own by default: both would leave no pixel. */
function withoutStrides({ strides: _, ...model }: ModelConfig): ModelConfig {
  return model;
}

/** What a head starts from where only the algorithm is chosen. */
const defaultHead = (algorithm: string, start: RunConfig): RunConfig["head"] =>
  algorithm === start.algorithm ? start.head : algorithms.named(algorithm).heads[0];

/** What a preset changes where another algorithm or head is chosen than its own: figures that suited the first. */
function suited(input: RunConfigInput, start: RunConfig): RunConfigInput & Partial<RunConfig> {
  const [algorithm, own] = [algorithms.named(input.algorithm ?? start.algorithm), algorithms.named(start.algorithm)];
  const head = heads.named(input.head ?? defaultHead(algorithm.name, start));
  return {
    ...(start.trainingWays !== undefined && (head.learned || algorithm.bodyMoves) ? someWays : {}),
    ...(algorithm.suited && !own.suited && input.steps === undefined ? algorithm.suited : {}),
  };
}
