// A folder that one process writes to at a time: a file says which process of which machine that is. A process that was
// killed takes nothing away, so whether it is over decides, not how long ago it was; libraries that go by the time would
// refuse for seconds after a crash, and give up a lock whose holder computes for long without a pause.
import { open, readFile, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { isOver, type Owner, self } from "./processes.ts";

/** A lock that was taken; or who has it. */
export type Lock = { readonly held: true; release(): Promise<void> } | { readonly held: false; readonly by: Owner };

/** A lock without a readable holder is being written; after so many milliseconds it was left like that. */
const writing = 5000;

/**
 * Takes a lock, over from a process of this machine that is over as well.
 * @param file in a folder that is there
 * @throws what the system says
 */
export async function takeLock(file: string): Promise<Lock> {
  const holder = `${JSON.stringify(self())}\n`;
  for (;;) {
    if (await create(file, holder)) return { held: true, release: () => removeIf(file, holder) };
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const by = parse(text);
    if (by && !isOver(by)) return { held: false, by };
    if (by || (await ageOf(file)) > writing) await removeLeft(file, text);
    else await sleep(20);
  }
}

/** Removes a lock that was left behind, unless another process did so and took it: one at a time looks and removes. */
async function removeLeft(file: string, text: string): Promise<void> {
  const guard = `${file}.taking`;
  if (await create(guard, "")) {
    try {
      await removeIf(file, text);
    } finally {
      await rm(guard, { force: true });
    }
  } else if ((await ageOf(guard)) > writing) await rm(guard, { force: true });
  else await sleep(20);
}

async function removeIf(file: string, text: string): Promise<void> {
  const now = await readFile(file, "utf8").catch(() => undefined);
  if (now === text) await rm(file, { force: true });
}

/** Makes a file; false where it is there. */
async function create(file: string, text: string): Promise<boolean> {
  const handle = await open(file, "wx").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EEXIST") throw cause;
  });
  if (!handle) return false;
  try {
    await handle.writeFile(text);
  } catch (cause) {
    await rm(file, { force: true });
    throw cause;
  } finally {
    await handle.close();
  }
  return true;
}

function parse(text: string): Owner | undefined {
  try {
    const value = JSON.parse(text) as Owner | number;
    // An earlier release wrote the number alone.
    const { pid, host, start } = typeof value === "number" ? { pid: value, host: hostname(), start: "" } : value;
    return Number.isInteger(pid) && pid > 0 && typeof host === "string"
      ? { pid, host, start: String(start) }
      : undefined;
  } catch {
    return undefined;
  }
}

const ageOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
