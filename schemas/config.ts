// The run config: all that decides a training run. A file holds any part of it; presets and defaults fill in the rest.
import type { RunConfig } from "./generated/config.js";
import { manifestSchema, configSchema as schema, config as validator } from "./generated/validators.js";
import { checkFormat } from "./validate.ts";

/** The version of the run config format that this release writes, and the newest that it reads. */
export const CONFIG_VERSION = 1;

/** What a config may have. Which algorithms, models, engines and presets there are is known to who trains: `runConfigSchema` there. */
export const configSchema = schema;

export type { ExamplesConfig, ModelConfig, OptimizerConfig, RunConfig, ScheduleConfig } from "./generated/config.js";

/** What a file or flags may give: any part of a run config, at any depth. */
export type RunConfigInput = { [K in keyof RunConfig]?: Part<RunConfig[K]> };

type Part<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: T[K] } : T;

/**
 * Checks types, ranges and names of what a config gives; what it leaves out is for presets and defaults. Any text is the name of an
 * algorithm or a model here; `validateRunConfig` of the room that trains knows them.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError (exit status 2) `config-invalid`, `unknown-option` for a name that is none (with the nearest one
 *   that is), or `newer-version`.
 */
export function validateConfig(value: unknown, source: string): RunConfigInput {
  checkFormat(
    {
      title: "run config",
      version: CONFIG_VERSION,
      schema,
      validator,
      code: "config-invalid",
      exitStatus: 2,
      related: [manifestSchema],
    },
    value,
    source,
  );
  return value as RunConfigInput;
}
