// Where a run goes that was not told where.
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The first of `runs/<name>-1`, `runs/<name>-2`, … that does not exist. */
export function newRunFolder(name: string): string {
  for (let n = 1; ; n++) {
    const folder = join("runs", `${name}-${n}`);
    if (!existsSync(folder)) return folder;
  }
}
