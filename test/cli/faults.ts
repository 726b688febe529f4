// Faults that a program is started with: what it does at the worst moment is done to it there, by a module that Node loads
// before it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const preload = (folder: string, name: string, code: string): { NODE_OPTIONS: string } => {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, code);
  return { NODE_OPTIONS: `--import=${pathToFileURL(file)}` };
};

/**
 * The process is killed as it renames something to what a pattern matches.
 * @param moment before or after the rename
 */
export const killedAtRename = (folder: string, to: RegExp, moment: "before" | "after") =>
  preload(
    folder,
    `killed-${moment}`,
    `import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
const { rename } = fs;
fs.rename = async (from, to) => {
  const now = ${to}.test(String(to));
  const die = () => process.kill(process.pid, "SIGKILL");
  if (now && "${moment}" === "before") return die();
  await rename(from, to);
  if (now) die();
};
syncBuiltinESMExports();
`,
  );

/** Every worker thread ends itself after so many milliseconds, as one that has no memory left. */
export const killedWorkers = (folder: string, milliseconds: number) =>
  preload(
    folder,
    "killed-workers",
    `import { isMainThread } from "node:worker_threads";
if (!isMainThread) setTimeout(() => process.exit(7), ${milliseconds}).unref();
`,
  );
