// The run config on the command line: a preset or a file, and a flag for every field.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { starterBundles } from "@innerloop/bundles";
import {
  decimal,
  InnerloopError,
  type JsonSchema,
  mistaken,
  type RunConfig,
  type RunConfigInput,
} from "@innerloop/schemas";
import {
  checkEffects,
  completeConfig,
  type IdleSetting,
  idleSettings,
  type Naming,
  otherwise,
  presets,
  readerOf,
  runConfigSchema,
  type SettingPath,
  settingAt,
  settingSchema,
  settingsOf,
  validateRunConfig,
} from "@innerloop/train";
import { type Completion, didYouMean, type Option, short, withoutEffect, wrongCall } from "../call/command.ts";
import { dataSpecs } from "./data-specs.ts";

/** A setting, by its path in a config. */
type Path = readonly [string] | readonly [string, string];

/** A flag and the setting that it sets. */
interface Flag {
  readonly name: string;
  readonly path: Path;
  readonly group: string;
  readonly schema: JsonSchema;
  /** Whether `--no-` before it means something. */
  readonly negatable: boolean;
}

/** Where each setting stands in the help; those of an object stand where it does, unless they are named themselves. */
const groups: Readonly<Record<string, readonly string[]>> = {
  Task: [
    "data",
    "examples",
    "split",
    "folds",
    "fold",
    "ways",
    "trainingWays",
    "shots",
    "queries",
    "rotations",
    "augment",
    "shifts",
  ],
  Model: ["model"],
  "Inner loop": [
    ...["algorithm", "head", "steps", "testSteps", "loop"],
    ...["innerLoop", "innerRate", "learnRates", "maxInnerRate", "multiStepLoss"],
  ],
  "Outer loop": ["optimizer", "schedule", "clip", "metaBatch"],
};

/** The group of all others. */
const lastGroup = "Run";

/** CONFIG is for these. */
const withoutFlag = ["version", "preset"];

/** Flags that are not called as the last part of their path, in lower case with hyphens. */
const otherNames: Readonly<Record<string, string>> = {
  "model.kind": "model",
  "optimizer.kind": "optimizer",
  "validation.every": "validate-every",
  "validation.episodes": "validate-episodes",
  "shifts.share": "shift-share",
  "shifts.families": "shift-families",
};

/** What a flag is where it is not given, where that is said by other flags. */
const byOthers: Readonly<Record<string, string>> = {
  trainingWays: "as --ways",
  testSteps: "as --steps",
  workers: "one a core, 0 for small models",
};

const typesOf = ({ type }: JsonSchema): readonly unknown[] => [type].flat();

function flag(path: Path): Flag {
  const key = path.join(".");
  const schema = settingSchema(key);
  const name = otherNames[key] ?? path.at(-1)!.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const group = Object.keys(groups).find((title) => groups[title]!.includes(path[0])) ?? lastGroup;
  return { name, path, group, schema, negatable: typesOf(schema).includes("null") };
}

/** A flag for every setting; for those of an object, and for the object itself where it can be left out as a whole. */
const all: readonly Flag[] = Object.entries(runConfigSchema.properties!).flatMap(([key, schema]): Flag[] => {
  if (withoutFlag.includes(key)) return [];
  const inside = Object.keys(schema.properties ?? {}).map((name) => flag([key, name]));
  return schema.properties && !typesOf(schema).includes("null") ? inside : [flag([key]), ...inside];
});

const places = [...Object.keys(groups), lastGroup];

/** In the order of the help. */
const flags = [...all].sort((a, b) => {
  const place = ({ group, path: [key] }: Flag) => 100 * places.indexOf(group) + (groups[group]?.indexOf(key) ?? 0);
  return place(a) - place(b);
});

/** What a shell completes the value of a setting with. */
function completionOf(key: string, schema: JsonSchema): Completion {
  if (key === "data") return { words: dataSpecs };
  if (key === "from") return { words: starterBundles.map(({ name }) => name), paths: true };
  return key === "model.kind" ? { words: namesIn(schema), paths: true } : { words: namesIn(schema) };
}

/** What a setting may be: nothing else, or, where it may be a path as well, by a name. */
const namesIn = (schema: JsonSchema): string[] => {
  const { enum: only, examples } = schema;
  return (only ?? (schema === settingSchema("model.kind") ? examples : undefined) ?? []).map(String);
};

/** The same as options of a command. */
export const configOptions: Readonly<Record<string, Option>> = Object.fromEntries(
  flags.map(({ name, path, group, schema, negatable }) => {
    const types = typesOf(schema);
    const key = path.join(".");
    const usual = byOthers[key] ?? otherwise(key);
    // What is so by itself is turned off.
    const off = types.includes("object") || schema.default === true ? `, unless --no-${name}` : "";
    return [
      name,
      {
        type: types.includes("boolean") || types.includes("object") ? "switch" : "text",
        what: `${schema.title}${off}`,
        group,
        negatable,
        completes: completionOf(key, schema),
        ...(usual === undefined ? {} : { otherwise: usual }),
      } as const,
    ];
  }),
);

/** Those that say how files become examples. */
export const exampleOptions: Readonly<Record<string, Option>> = Object.fromEntries(
  flags.flatMap(({ name, path }) => {
    const { group: _, ...option } = configOptions[name]!;
    return path[0] === "examples" ? [[name, option]] : [];
  }),
);

/**
 * The part of a run config that flags give.
 * @throws InnerloopError (status 2) that names the flag
 */
export function configFromFlags(given: Readonly<Record<string, unknown>>): RunConfigInput {
  const config: Record<string, unknown> = {};
  for (const { name, path, schema } of flags) {
    const text = given[name];
    if (text === undefined) continue;
    const value = fieldValue(schema, text);
    const [key, inside] = path;
    const field = inside === undefined ? { [key]: value } : { [key]: { [inside]: value } };
    check(field, name, schema, String(text));
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
  const alone = types.includes("integer") || types.includes("number");
  if (types.includes("array") && !(alone && !text.includes(","))) return text.split(",").map(number);
  return alone ? number(text) : text;
}

function check(field: unknown, name: string, schema: JsonSchema, text: string): void {
  try {
    validateRunConfig(field, `--${name}`);
  } catch (cause) {
    if (!(cause instanceof InnerloopError)) throw cause;
    const { description } = schema;
    const near = didYouMean(text, namesIn(schema));
    // What is null in a file is none in a call.
    const expected = description?.replace(/\bnull\b/, "none");
    throw new InnerloopError("bad-option", `--${name} is "${short(text)}"; ${expected} was expected${near || "."}`, {
      exitStatus: 2,
      cause,
    });
  }
}

/** The name of the flag that sets a field. */
const flagOf = (setting: SettingPath): string =>
  `--${flags.find(({ path }) => path.join(".") === setting)?.name ?? setting}`;

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
export function checkFlags(config: RunConfig, given: RunConfigInput): void {
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
  const own = config === undefined ? undefined : await readConfig(config).then(completeConfig, () => undefined);
  const configs: [name: string, RunConfig][] = own
    ? [["", own]]
    : [
        ["", completeConfig({})],
        ...Object.keys(presets).map((name): [string, RunConfig] => [name, completeConfig({ preset: name })]),
      ];
  const defaults: Record<string, string> = {};
  for (const { name: flag, path } of flags) {
    const byText = new Map<string, string[]>();
    const setting = path.join(".");
    const usual = configOptions[flag]!.otherwise;
    for (const [name, complete] of configs) {
      const value = settingAt(complete, setting);
      const [idle] = idleSettings(complete, [setting]);
      // Where it does nothing, a preset has no say in what it is.
      const text = idle ? idleText(idle, own !== undefined) : value === undefined ? usual : flagText(value);
      if (text !== undefined) byText.set(text, [...(byText.get(text) ?? []), name]);
    }
    const texts = [...byText].map(([text, names]) =>
      names.includes("") ? text : `${shortened(names, configs).join(", ")}: ${text}`,
    );
    const shown = texts.join("; ") || usual;
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
  const reader = readerOf(config);
  if (reader && reader.spec.includes(":") === config.includes(":"))
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
  return validateRunConfig(value ?? {}, config);
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
