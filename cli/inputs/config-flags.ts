// The run config on the command line: a preset or a file, and a flag for every field.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import {
  configSchema,
  InnerloopError,
  type JsonSchema,
  mistaken,
  type RunConfig,
  type RunConfigInput,
  validateConfig,
} from "@innerloop/schemas";
import type { IdleSetting, Naming, SettingPath } from "@innerloop/train";
import { decimal, didYouMean, type Option, short, withoutEffect, wrongCall } from "../call/command.ts";

/** A flag and the field of the run config that it sets. */
interface Flag {
  readonly path: readonly [string] | readonly [string, string];
  readonly what: string;
  readonly group: string;
  /** What it is where neither a preset nor the config says it. */
  readonly otherwise?: string;
}

const flag = (group: string, path: string, what: string, otherwise?: string): Flag => ({
  path: path.split(".") as [string],
  what,
  group,
  ...(otherwise === undefined ? {} : { otherwise }),
});

const task = "Task";
const model = "Model";
const inner = "Inner loop";
const outer = "Outer loop";
const run = "Run";

/** Every field of the run config but `version` and `preset`, which CONFIG is for. */
const configFlags = {
  data: flag(task, "data", "SPEC of the data: glyphs, sinusoid, omniglot:DIR, images:DIR"),
  ways: flag(task, "ways", "classes in an episode"),
  "training-ways": flag(task, "trainingWays", "classes in a training task, where these are to be more", "as --ways"),
  shots: flag(task, "shots", "support examples of each class"),
  queries: flag(task, "queries", "query examples of each class"),
  rotations: flag(
    task,
    "rotations",
    "glyphs, omniglot: turned characters are classes, too, unless --no-rotations",
    "on",
  ),
  shifts: flag(task, "shifts", "some training tasks look as the data of users may, unless --no-shifts"),
  "shift-share": flag(task, "shifts.share", "share of the training tasks that do"),
  "shift-families": flag(task, "shifts.families", "in which ways, as inverted,paper,noise; all unless given"),
  "wrong-labels": flag(task, "shifts.wrongLabels", "share of wrong labels in the support sets of these, at most"),
  model: flag(model, "model.kind", "mlp, metamodel or conv4"),
  filters: flag(model, "model.filters", "conv4: filters of each convolution", "64"),
  strides: flag(
    model,
    "model.strides",
    "conv4: stride of each convolution, as 2,2,2,1",
    "2,2,2,1; with --pool 1,1,1,1",
  ),
  pool: flag(model, "model.pool", "conv4: a max-pool after each convolution", "off"),
  norm: flag(model, "model.norm", "conv4: layer, group, batch, instance or none", "layer"),
  pooling: flag(model, "model.pooling", "conv4: what the head sees, flat or mean", "flat"),
  input: flag(model, "model.input", "conv4: examples as they are, raw, or standardized or polarity-free", "raw"),
  hidden: flag(model, "model.hidden", "mlp: width of each hidden layer, as 40,40", "40,40"),
  algorithm: flag(inner, "algorithm", "maml, fomaml, anil or prototypes"),
  head: flag(inner, "head", "what the head starts from: learned, zero or prototypes"),
  steps: flag(inner, "steps", "inner steps"),
  "test-steps": flag(inner, "testSteps", "inner steps after training, where these are to be others", "as --steps"),
  loop: flag(inner, "loop", "guarded (takes back a step that raises the loss) or plain (the papers')", "guarded"),
  "inner-rate": flag(inner, "innerRate", "inner learning rate, where learned ones start"),
  "learn-rates": flag(inner, "learnRates", "learn the inner rates, one for each array"),
  "max-inner-rate": flag(inner, "maxInnerRate", "upper bound of learned inner rates"),
  "multi-step-loss": flag(inner, "multiStepLoss", "the loss after every inner step counts"),
  optimizer: flag(outer, "optimizer.kind", "adam or sgd"),
  rate: flag(outer, "optimizer.rate", "outer learning rate, at its peak"),
  momentum: flag(outer, "optimizer.momentum", "sgd: momentum", "0"),
  "weight-decay": flag(outer, "optimizer.weightDecay", "weight decay", "0"),
  warmup: flag(outer, "schedule.warmup", "iterations over which the rate rises"),
  decay: flag(outer, "schedule.decay", "course of the rate: cosine or none"),
  floor: flag(outer, "schedule.floor", "where the decay ends, as a share of the rate"),
  clip: flag(outer, "clip", "largest norm of the meta-gradient; none: no clipping"),
  "meta-batch": flag(outer, "metaBatch", "tasks in an iteration"),
  iterations: flag(run, "iterations", "length of the run in iterations"),
  minutes: flag(run, "minutes", "length of the run in minutes"),
  seed: flag(run, "seed", "seed of weights and episodes"),
  engine: flag(run, "engine", "auto, or an engine that innerloop doctor lists"),
  "on-device-lost": flag(
    run,
    "onDeviceLost",
    "when the engine loses its device: stop, or fallback to the next engine",
    "stop",
  ),
  precision: flag(run, "precision", "float32, or float16 for gradients on GPU engines that have it", "float32"),
  workers: flag(
    run,
    "workers",
    "worker threads; 0: all tasks of a batch in one graph",
    "one a core, 0 for small models",
  ),
  "validate-every": flag(run, "validation.every", "iterations between two validations"),
  "validate-episodes": flag(run, "validation.episodes", "episodes of a validation"),
} satisfies Record<string, Flag>;

/** How the SPECs of data begin. */
export const dataSpecs: readonly string[] = ["glyphs", "sinusoid", "omniglot:", "images:"];

/** The same as options of a command. */
export const configOptions: Readonly<Record<string, Option>> = Object.fromEntries(
  (Object.entries(configFlags) as [string, Flag][]).map(([name, { path, what, group, otherwise }]) => {
    const types = [fieldSchema(path).type].flat();
    const negatable = types.includes("null");
    const type = types.includes("boolean") || types.includes("object") ? "switch" : "text";
    return [
      name,
      {
        type,
        what,
        group,
        negatable,
        completes: { words: wordsFor(path) },
        ...(otherwise === undefined ? {} : { otherwise }),
      } as const,
    ];
  }),
);

/** What a shell completes a field with: the names that its schema has, or those of its kind. */
function wordsFor(path: readonly string[]): readonly string[] {
  if (path.join(".") === "data") return dataSpecs;
  return (fieldSchema(path).enum ?? []).map(String);
}

function fieldSchema(path: readonly string[]): JsonSchema {
  return path.reduce<JsonSchema>((schema, key) => schema.properties![key]!, configSchema);
}

/**
 * The part of a run config that flags give.
 * @throws InnerloopError (status 2) that names the flag
 */
export function configFromFlags(given: Readonly<Record<string, unknown>>): RunConfigInput {
  const config: Record<string, unknown> = {};
  for (const [name, { path }] of Object.entries(configFlags) as [string, Flag][]) {
    const text = given[name];
    if (text === undefined) continue;
    const value = fieldValue(fieldSchema(path), text);
    const [key, inside] = path;
    const field = inside === undefined ? { [key]: value } : { [key]: { [inside]: value } };
    check(field, name, path, String(text));
    if (config[key] === null) throw withoutEffect(`--${name}`, `--no-${key} was given`);
    config[key] = inside === undefined ? value : { ...(config[key] as object | undefined), [inside]: value };
  }
  return config as RunConfigInput;
}

/** What a text, or `--no-` before a flag, says where a field of this type is wanted; the schema judges it afterwards. */
function fieldValue({ type }: JsonSchema, text: unknown): unknown {
  const types = [type].flat();
  // A switch for what has settings of its own: they are as they are, or as they usually are.
  if (text === true && types.includes("object")) return {};
  if (typeof text !== "string") return types.includes("null") ? null : text;
  const number = (part: string): unknown => {
    const value = decimal(part.trim());
    return Number.isNaN(value) ? part : value;
  };
  if (types.includes("null") && text === "none") return null;
  if (types.includes("array")) return text.split(",").map(number);
  return types.includes("integer") || types.includes("number") ? number(text) : text;
}

function check(field: unknown, name: string, path: readonly string[], text: string): void {
  try {
    validateConfig(field, `--${name}`);
  } catch (cause) {
    if (!(cause instanceof InnerloopError)) throw cause;
    const { description, enum: choices } = fieldSchema(path);
    const near = choices ? didYouMean(text, choices.map(String)) : "";
    // What is null in a file is none in a call.
    const expected = description?.replace(/\bnull\b/, "none");
    throw new InnerloopError("bad-option", `--${name} is "${short(text)}"; ${expected} was expected${near || "."}`, {
      exitStatus: 2,
      cause,
    });
  }
}

const flagNames = Object.entries(configFlags) as [string, Flag][];

/** The name of the flag that sets a field. */
const flagOf = (setting: SettingPath): string =>
  `--${flagNames.find(([, { path }]) => path.join(".") === setting)?.[0] ?? setting}`;

/** How errors name settings to who gives flags. */
const byFlags: Naming = {
  name: flagOf,
  assignment(setting, value) {
    const name = flagOf(setting);
    if (typeof value === "boolean") return value ? name : name.replace(/^--/, "--no-");
    return `${name} ${value}`;
  },
};

/**
 * Refuses flags that do nothing in a complete config.
 * @throws InnerloopError `no-effect` (status 2)
 */
export async function checkFlags(config: RunConfig, given: RunConfigInput): Promise<void> {
  const { checkEffects, settingsOf } = await import("@innerloop/train");
  checkEffects(config, settingsOf(given), byFlags);
}

/** A value of a config as its flag takes it. */
function flagText(value: unknown): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  // Settings that are there or, by --no-…, not.
  if (isObject(value)) return "on";
  return value === null ? "none" : String(value);
}

/**
 * What each flag is where it is not given, for the help: of the preset or file that a call names, or of all presets.
 */
export async function flagDefaults(config: string | undefined): Promise<Readonly<Record<string, string>>> {
  const { completeConfig, idleSettings, presets, settingAt } = await import("@innerloop/train");
  const own = config === undefined ? undefined : await readConfig(config).then(completeConfig, () => undefined);
  const configs: [name: string, RunConfig][] = own
    ? [["", own]]
    : [
        ["", completeConfig({})],
        ...Object.keys(presets).map((name): [string, RunConfig] => [name, completeConfig({ preset: name })]),
      ];
  const defaults: Record<string, string> = {};
  for (const [flag, { path, otherwise }] of flagNames) {
    const byText = new Map<string, string[]>();
    for (const [name, complete] of configs) {
      const setting = path.join(".");
      const value = settingAt(complete, setting);
      const [idle] = idleSettings(complete, [setting]);
      // Where it does nothing, a preset has no say in what it is.
      const text = idle ? idleText(idle, own !== undefined) : value === undefined ? otherwise : flagText(value);
      if (text !== undefined) byText.set(text, [...(byText.get(text) ?? []), name]);
    }
    const texts = [...byText].map(([text, names]) =>
      names.includes("") ? text : `${shortened(names, configs).join(", ")}: ${text}`,
    );
    const shown = texts.join("; ") || otherwise;
    if (shown !== undefined) defaults[flag] = shown;
  }
  return defaults;
}

const idleText = ({ on, value }: IdleSetting, alone: boolean): string | undefined =>
  alone ? `no effect with ${byFlags.assignment(on, value)}` : undefined;

/** Names of presets, with one `omniglot-*` for all that begin so. */
function shortened(names: readonly string[], configs: readonly (readonly [string, RunConfig])[]): string[] {
  const stem = (name: string) => name.replace(/-.*$/, "");
  const like = (name: string) => configs.filter(([other]) => stem(other) === stem(name)).map(([other]) => other);
  return [
    ...new Set(
      names.map((name) => {
        const all = like(name);
        return all.length > 1 && all.every((other) => names.includes(other)) ? `${stem(name)}-*` : name;
      }),
    ),
  ];
}

/**
 * Reads CONFIG: a file (YAML or JSON), else the name of a preset.
 * @throws InnerloopError (status 2) for a file that is missing or wrong; an unknown name is told by {@link completeConfig}
 */
export async function readConfig(config: string): Promise<RunConfigInput> {
  if (dataSpecs.some((spec) => (spec.endsWith(":") ? config.startsWith(spec) : config === spec)))
    throw wrongCall(
      "unknown-preset",
      `${short(config)} says which data; CONFIG is a preset or a file. Give it as --data ${short(config)}.`,
    );
  const isFile = /\.(ya?ml|json)$/i.test(config) || config.includes("/") || config.includes("\\");
  if (!isFile && !existsSync(config)) return { preset: config };
  let text: string;
  try {
    text = await readFile(config, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (!isFile && code === "EISDIR") return { preset: config };
    throw wrongCall(
      "config-missing",
      `The config ${config} cannot be read (${code === "ENOENT" ? "there is no such file" : (cause as Error).message}); ` +
        "a YAML or JSON file, or a preset's name was expected.",
    );
  }
  const other = text === "" ? undefined : mistaken(new TextEncoder().encode(text));
  if (other !== undefined) throw wrongCall("config-invalid", `${config}: ${other}.`);
  const { parse } = await import("yaml");
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new InnerloopError(
      "config-invalid",
      `${config} is neither YAML nor JSON: ${(cause as Error).message.split("\n")[0]}; correct it there.`,
      { exitStatus: 2, cause },
    );
  }
  return validateConfig(value ?? {}, config);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A config with the fields that another one gives. A new length of the run replaces the old one. */
export function withChanges<C extends RunConfigInput | RunConfig>(config: C, changes: RunConfigInput): C {
  const { iterations, minutes, ...rest } = config;
  const length =
    changes.iterations !== undefined || changes.minutes !== undefined
      ? {}
      : { ...(iterations === undefined ? {} : { iterations }), ...(minutes === undefined ? {} : { minutes }) };
  const merged: Record<string, unknown> = { ...rest, ...length };
  for (const [key, value] of Object.entries(changes)) {
    const before = merged[key];
    merged[key] = isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }
  return merged as C;
}
