// The header of a checkpoint: a run's state beside its arrays. On disk a checkpoint is one safetensors file, with this
// header as JSON in its `__metadata__` under CHECKPOINT_KEY.
import type { RunConfig } from "./config.ts";
import { InnerloopError } from "./errors.ts";
import { configSchema, checkpointSchema as schema, checkpoint as validator } from "./generated/validators.js";
import { parseJson } from "./json.ts";
import type { Preprocessing } from "./manifest.ts";
import { checkFormat } from "./validate.ts";

/** The version of the checkpoint format that this release writes, and the newest that it reads. */
export const CHECKPOINT_VERSION = 1;

/** The key of `__metadata__` that holds the header. */
export const CHECKPOINT_KEY = "innerloop";

export const checkpointSchema = schema;

/** What was measured at an iteration: `loss`, `score`, `elapsedSeconds`, … */
export interface HistoryEntry {
  iteration: number;
  [measure: string]: number;
}

/** The data of a run: what its learner depends on, and what tells them from others. */
export interface RunTasks {
  /** The SPEC that opens them, or what a program calls its own. */
  name: string;
  kind: "classification" | "regression";
  inputShape: number[];
  /** Regression only. */
  outputSize?: number;
  preprocessing?: Preprocessing;
  /** Classification only: how many classes validation draws from, and a hash of the names of those that it drew. */
  heldBack?: { classes: number; drawn: string };
}

export interface CheckpointHeader {
  format: "innerloop-checkpoint";
  version: 1;
  config: RunConfig;
  /** Absent from early files. */
  tasks?: RunTasks;
  /** Meta-iterations done. */
  iteration: number;
  /** Wall time of training so far, over all resumptions. */
  elapsedSeconds: number;
  seed: number;
  /** The best validation so far; a higher score is better. Null before the first. */
  best: { iteration: number; score: number } | null;
  history: HistoryEntry[];
  /** The meta-parameters among the file's tensors. */
  parameters: { name: string; shape: number[] }[];
}

/**
 * Checks a parsed checkpoint header.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError `checkpoint-invalid` (`unknown-option` for a name in its config that is none), or
 *   `newer-version` when a later release wrote it.
 */
export function validateCheckpoint(value: unknown, source: string): CheckpointHeader {
  checkFormat(
    {
      title: "checkpoint",
      marker: "innerloop-checkpoint",
      version: CHECKPOINT_VERSION,
      schema,
      validator,
      code: "checkpoint-invalid",
      exitStatus: 1,
      related: [configSchema],
    },
    value,
    source,
  );
  return value as CheckpointHeader;
}

/**
 * The header from the metadata of a safetensors file.
 *
 * @throws InnerloopError as {@link validateCheckpoint}, and `checkpoint-invalid` when the file has no header.
 */
export function readCheckpointHeader(metadata: Readonly<Record<string, string>>, source: string): CheckpointHeader {
  const text = metadata[CHECKPOINT_KEY];
  if (text === undefined)
    throw new InnerloopError(
      "checkpoint-invalid",
      `${source}: this safetensors file has no "${CHECKPOINT_KEY}" metadata, so it is no checkpoint; ` +
        "give the checkpoint that a training run wrote",
    );
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    const message = `${source}: the checkpoint's header is not valid JSON; the file is damaged: use an earlier one`;
    throw new InnerloopError("checkpoint-invalid", message, { cause });
  }
  return validateCheckpoint(value, source);
}
