// A run on disk: its checkpoint, one safetensors file that is replaced whole, so that there is always a complete one.
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  CHECKPOINT_KEY,
  type CheckpointHeader,
  decodeSafetensors,
  encodeSafetensors,
  InnerloopError,
  readCheckpointHeader,
  type Tensor,
} from "@innerloop/schemas";

export interface Checkpoint {
  readonly header: CheckpointHeader;
  /** Parameters and the optimizer's arrays as of the last iteration. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** The parameters that did best in validation. */
  readonly best: Readonly<Record<string, Tensor>>;
}

/** The checkpoint's file in a run's folder. */
export const checkpointFile = (run: string): string => join(run, "checkpoint.safetensors");

const bestPrefix = "best/";

/** Writes a file so that a reader sees the old one or the new one, whole. */
export async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const staged = `${file}.${process.pid}.part`;
  try {
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(staged, "w");
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(staged, file);
  } catch (cause) {
    await rm(staged, { force: true }).catch(() => {});
    const code = (cause as NodeJS.ErrnoException).code;
    const why =
      code === "ENOSPC"
        ? "the disk is full; free some space"
        : code === "EACCES" || code === "EROFS" || code === "EPERM"
          ? "the folder cannot be written to; choose another with --out"
          : `${(cause as Error).message}; choose another folder with --out`;
    throw new InnerloopError(
      "write-failed",
      `${file} could not be written: ${why}. What was there before is unchanged.`,
      { cause },
    );
  }
}

/** Saves a run. @throws InnerloopError `write-failed`; the checkpoint before it stays */
export async function writeCheckpoint(run: string, { header, tensors, best }: Checkpoint): Promise<void> {
  const named = Object.fromEntries(Object.entries(best).map(([name, tensor]) => [`${bestPrefix}${name}`, tensor]));
  await replaceFile(
    checkpointFile(run),
    encodeSafetensors({ ...tensors, ...named }, { [CHECKPOINT_KEY]: JSON.stringify(header) }),
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
  const entries = Object.entries(tensors);
  return {
    header,
    tensors: Object.fromEntries(entries.filter(([name]) => !name.startsWith(bestPrefix))),
    best: Object.fromEntries(
      entries
        .filter(([name]) => name.startsWith(bestPrefix))
        .map(([name, tensor]) => [name.slice(bestPrefix.length), tensor]),
    ),
  };
}
