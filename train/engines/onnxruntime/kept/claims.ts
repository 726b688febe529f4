// Who makes what is not kept yet: the first who asks says so in a small file, and others wait for what it makes instead of making the same.
// A claim whose process is over, or that is old, is none, and where none can be written everyone makes what it needs.
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/** A claim is waited for no longer than this after it was written, in milliseconds: its thread may have ended within a process that goes on. */
const longest = 10_000;
/** Between looks, in milliseconds. */
const pause = 5;

const ending = ".making";

/** Files of claims among others, for whoever clears those away that were left. */
export const isClaim = (name: string): boolean => name.endsWith(ending);

const claimOf = (folder: string, key: string): string => join(folder, `${key}${ending}`);

/**
 * What another one makes under a key, once it is there. Undefined where the caller is to make it, which then says by {@link unclaim} that it has, or
 * will not.
 * @param find what is kept
 */
export function awaited<Found>(folder: string, key: string, find: () => Found | undefined): Found | undefined {
  const path = claimOf(folder, key);
  for (const start = performance.now(); performance.now() - start < longest; ) {
    const claimed = claim(path);
    // It may have come between a look and the claim.
    const found = find();
    if (found !== undefined && claimed === "here") unclaim(folder, key);
    if (found !== undefined || claimed !== "elsewhere") return found;
    if (isLeft(path)) unclaim(folder, key);
    else Atomics.wait(clock, 0, 0, pause);
  }
  return undefined;
}

/** Says that nobody need wait any longer. */
export function unclaim(folder: string, key: string): void {
  try {
    rmSync(claimOf(folder, key), { force: true });
  } catch {
    // It counts as old soon.
  }
}

const clock = new Int32Array(new SharedArrayBuffer(4));

function claim(path: string): "here" | "elsewhere" | "nowhere" {
  try {
    writeFileSync(path, `${process.pid} ${hostname()}`, { flag: "wx" });
    return "here";
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EEXIST" ? "elsewhere" : "nowhere";
  }
}

/** Whether nobody works on what a claim is for, as far as can be told. One that went meanwhile was not left. */
function isLeft(path: string): boolean {
  try {
    if (Math.abs(Date.now() - statSync(path).mtimeMs) > longest) return true;
    const [pid = "", host] = readFileSync(path, "utf8").split(" ");
    // It is being written.
    if (host === undefined) return false;
    return host !== hostname() || isOver(Number(pid));
  } catch {
    return false;
  }
}

function isOver(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "ESRCH";
  }
}
