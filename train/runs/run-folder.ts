// The folder of a run while it is written: tried before any work, and by one process at a time.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, removeEmpty, shellWord, sweep, takeLock, tryFolder } from "@innerloop/runtime/files";
import { InnerloopError } from "@innerloop/schemas";
import { checkpointFile, notWritten, readCheckpoint } from "./checkpoint.ts";

const lockFile = (run: string): string => join(run, "lock");

/**
 * Takes a run's folder, which is made where it is missing, for this process alone.
 * @returns what gives it back; a folder that is still empty then goes again
 * @throws InnerloopError `run-exists`, `run-missing` (status 2), `run-in-use`, `write-failed`
 */
export async function holdRun(run: string, resume: boolean): Promise<() => Promise<void>> {
  if (resume && !existsSync(checkpointFile(run))) await readCheckpoint(run);
  if (!resume) refuseEarlier(run);
  let folders: string[] = [];
  try {
    folders = await makeFolder(run);
    const lock = await takeLock(lockFile(run));
    if (!lock.held) throw inUse(run, lock.by);
    const release = async () => {
      await lock.release();
      await removeEmpty(folders);
    };
    try {
      // Another process may have begun and ended in between.
      if (!resume) refuseEarlier(run);
      await sweep(run);
      await tryFolder(run);
    } catch (cause) {
      await release();
      throw cause;
    }
    return release;
  } catch (cause) {
    if (cause instanceof InnerloopError) throw cause;
    await removeEmpty(folders);
    throw notWritten(run, cause);
  }
}

function refuseEarlier(run: string): void {
  if (existsSync(checkpointFile(run)))
    throw new InnerloopError(
      "run-exists",
      `${run} holds a run already; go on with it (--resume), or choose another folder (--out).`,
      { exitStatus: 2 },
    );
}

function inUse(run: string, { pid, host }: { readonly pid: number; readonly host: string }): InnerloopError {
  return new InnerloopError(
    "run-in-use",
    `${run} is being written by process ${pid} on ${host}, and one run takes one process; wait until it ends, or choose ` +
      `another folder (--out). If there is no such process any more, delete ${shellWord(lockFile(run))}.`,
  );
}
