// Where a run goes that was not told where.
import { existsSync, mkdirSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { join } from "node:path";

/** A folder for a run. */
export interface RunFolder {
  readonly path: string;
  /** Waits for a run; where it came to nothing, a folder that was made for it goes again. */
  during<T>(run: Promise<T>): Promise<T>;
}

/**
 * The folder that a call names; or the first of `runs/<name>-1`, `runs/<name>-2`, … that does not exist, which is made, so that
 * of several calls at once each has its own.
 * @throws InnerloopError `write-failed`
 */
export async function runFolder(named: string | undefined, name: string): Promise<RunFolder> {
  if (named !== undefined) return { path: named, during: (run) => run };
  for (let n = 1; ; n++) {
    const path = join("runs", `${name}-${n}`);
    if (existsSync(path)) continue;
    try {
      mkdirSync("runs", { recursive: true });
      mkdirSync(path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST" && existsSync(path)) continue;
      throw (await import("@innerloop/train")).notWritten(path, cause);
    }
    const discard = async (error: unknown): Promise<never> => {
      for (const empty of [path, "runs"]) await rmdir(empty).catch(() => undefined);
      throw error;
    };
    return { path, during: (run) => run.catch(discard) };
  }
}
