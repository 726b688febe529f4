// The header of a checkpoint: a run's state beside its arrays. On disk a checkpoint is one safetensors file, with this
// header as JSON in its `__metadata__` under CHECKPOINT_KEY.
import { InnerloopError } from "./errors.ts";
import type { CheckpointHeader } from "./generated/checkpoint.js";
import {
  configSchema,
  manifestSchema,
  checkpointSchema as schema,
  checkpoint as validator,
} from "./generated/validators.js";
import { parseJson } from "./json.ts";
import { checkFormat } from "./validate.ts";

/** The version of the checkpoint format that this release writes, and the newest that it reads. */
export const CHECKPOINT_VERSION = 1;

/** The key of `__metadata__` that holds the header. */
export const CHECKPOINT_KEY = "innerloop";

export const checkpointSchema = schema;

export type { CheckpointHeader, HistoryEntry, RunTasks } from "./generated/checkpoint.js";

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
      related: [configSchema, manifestSchema],
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
