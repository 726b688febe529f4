// A run on disk: its checkpoint, one safetensors file that is replaced whole, so that there is always a complete one.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, ownerOnly, replaceFile as replaceWhole } from "@innerloop/runtime/files";
import {
  CHECKPOINT_KEY,
  type CheckpointHeader,
  checkPreprocessing,
  decodeSafetensors,
  encodeSafetensors,
  InnerloopError,
  readCheckpointHeader,
  type Tensor,
} from "@innerloop/schemas";
import { best } from "../names.ts";

export interface Checkpoint {
  readonly header: CheckpointHeader;
  /** Parameters and the optimizer's arrays as of the last iteration. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** The parameters that did best in validation. */
  readonly best: Readonly<Record<string, Tensor>>;
}

/** The checkpoint's file in a run's folder. */
export const checkpointFile = (run: string): string => join(run, "checkpoint.safetensors");

/**
 * Writes a file so that a reader sees the old one or the new one, whole; folders above it are made where they are missing.
 * @param mode of a new file; one that is there keeps its own
 * @throws InnerloopError `write-failed`; what was there before is unchanged
 */
export async function replaceFile(file: string, bytes: Uint8Array, mode?: number): Promise<void> {
  try {
    await makeFolder(dirname(file));
    await replaceWhole(file, bytes, mode);
  } catch (cause) {
    throw notWritten(file, cause, "What was there before is unchanged.");
  }
}

/** The error for what cannot be written. */
export function notWritten(file: string, cause: unknown, rest = "Nothing was changed."): InnerloopError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why =
    code === "ENOSPC"
      ? "the disk is full; free some space"
      : code === "EACCES" || code === "EROFS" || code === "EPERM"
        ? "the folder cannot be written to; choose another with --out"
        : `${message}; choose another folder with --out`;
  return new InnerloopError("write-failed", `${file} could not be written: ${why}. ${rest}`, { cause });
}

/** Saves a run, for its owner's eyes alone. @throws InnerloopError `write-failed`; the checkpoint before it stays */
export async function writeCheckpoint(run: string, checkpoint: Checkpoint): Promise<void> {
  const { header, tensors } = checkpoint;
  await replaceFile(
    checkpointFile(run),
    encodeSafetensors({ ...tensors, ...best.named(checkpoint.best) }, { [CHECKPOINT_KEY]: JSON.stringify(header) }),
    ownerOnly,
  );
}

/**
 * Reads a run's checkpoint.
 * @throws InnerloopError where there is none, or it is cut short or from a newer version
 */
export async function readCheckpoint(run: string): Promise<Checkpoint> {
  const file = checkpointFile(run);
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new InnerloopError(
      "run-missing",
      `${run} holds no run: ${file} cannot be read; give the folder that train wrote (--out).`,
      { exitStatus: 2, cause },
    );
  });
  const { tensors, metadata } = decodeSafetensors(bytes, file);
  const header = readCheckpointHeader(metadata, file);
  checkTasks(header, file);
  const { found, others } = best.split(tensors);
  return { header, tensors: others, best: found };
}

/** The validator of the header leaves preprocessing to the code that a device checks it with. */
function checkTasks({ tasks }: CheckpointHeader, file: string): void {
  if (!tasks?.preprocessing) return;
  const { inputShape: shape, preprocessing } = tasks;
  try {
    checkPreprocessing({ shape, dtype: "float32", preprocessing });
  } catch (cause) {
    if (!(cause instanceof InnerloopError)) throw cause;
    throw new InnerloopError(
      cause.code === "newer-version" ? cause.code : "checkpoint-invalid",
      `${file}: ${cause.message}`,
      {
        cause,
      },
    );
  }
}
