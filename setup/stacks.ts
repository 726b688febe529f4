// Where stacks lie and how one takes the place of another: made in a folder of its own, then named by a small file that is
// replaced as a whole. Whatever stops this, and whenever, what was in use stays in use.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, open, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { shellWord, takeLock } from "@innerloop/runtime/files";
import { diskFailure, failed } from "./failures.ts";

/** How the folders begin in which something is being made. */
export const staging = "staging-";
const kept = 2;

/**
 * Does work in a folder of stacks that nobody else does at the same time, and clears away what earlier work left behind.
 * @param otherwise what to do where the folder may not be written
 * @throws InnerloopError `setup-running`, `disk-full`, `no-permission`
 */
export async function exclusively<T>(
  root: string,
  work: () => Promise<T>,
  otherwise = "make it yours, or set INNERLOOP_HOME to a folder that is",
): Promise<T> {
  try {
    mkdirSync(root, { recursive: true });
    const file = join(root, "lock");
    const lock = await takeLock(file);
    if (!lock.held)
      throw failed(
        "setup-running",
        `Another setup (process ${lock.by.pid}) is at work; wait until it ends. If process ${lock.by.pid} is something else, delete ${shellWord(file)}.`,
      );
    try {
      for (const name of readdirSync(root))
        if (name.startsWith(staging)) await rm(join(root, name), { recursive: true, force: true });
      return await work();
    } finally {
      await lock.release();
    }
  } catch (cause) {
    throw diskFailure(cause, root, otherwise);
  }
}

/** The ids of the stacks that work, the one in use last. */
function stacksIn(root: string): string[] {
  try {
    const { stacks } = JSON.parse(readFileSync(join(root, "current.json"), "utf8")) as { stacks: string[] };
    return stacks.filter((id) => existsSync(join(root, id)));
  } catch {
    return [];
  }
}

/**
 * Makes a stack and, once it is made, puts it to use. Only the one before it is kept.
 * @param make fills a folder, tries what is in it, and says what the stack is called; when it throws, nothing has changed
 * @returns the id of the stack
 */
export async function addStack(root: string, make: (folder: string) => Promise<string>): Promise<string> {
  const folder = await mkdtemp(join(root, staging));
  try {
    const id = `${await make(folder)}-${basename(folder).slice(staging.length)}`;
    await rename(folder, join(root, id));
    const stacks = [...stacksIn(root), id].slice(-kept);
    await point(root, stacks);
    await removeOthers(root, stacks);
    return id;
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw cause;
  }
}

/** Takes the stack in use away and goes back to the one before; undefined where there is none in use. */
export async function removeStack(root: string): Promise<{ removed: string; current: string | undefined } | undefined> {
  const stacks = stacksIn(root);
  const removed = stacks.pop();
  if (removed === undefined) return undefined;
  await point(root, stacks);
  await removeOthers(root, stacks);
  return { removed, current: stacks.at(-1) };
}

async function point(root: string, stacks: readonly string[]): Promise<void> {
  const next = join(root, "current.json.next");
  const file = await open(next, "w");
  try {
    await file.writeFile(`${JSON.stringify({ stacks })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, join(root, "current.json"));
}

async function removeOthers(root: string, stacks: readonly string[]): Promise<void> {
  for (const entry of readdirSync(root, { withFileTypes: true }))
    if (entry.isDirectory() && !stacks.includes(entry.name))
      await rm(join(root, entry.name), { recursive: true, force: true });
}
