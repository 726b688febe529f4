// A folder takes the place of another one. No system lets that happen at once, so the earlier one steps aside for a moment;
// whoever finds the place empty, because a process was killed in that moment, puts it back.
import { createHash, randomBytes } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { behindLinks, syncFolder } from "./files.ts";
import { isOver, ownerOf, self, tagOf } from "./processes.ts";

/** How often, a hundredth of a second apart, a place is looked at that another process is just filling. */
const looks = 100;

/** The end of the names under which a folder steps aside. */
const endOf = (out: string): string =>
  `-${createHash("sha256").update(basename(out)).digest("hex").slice(0, 12)}.earlier`;

const asideOf = (out: string): string =>
  join(dirname(out), `.innerloop-${tagOf(self())}-${randomBytes(4).toString("hex")}${endOf(out)}`);

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (cause: NodeJS.ErrnoException) => cause.code !== "ENOENT",
  );

/**
 * Puts a folder in the place of another, if there is one.
 * @param staged a complete folder beside that place
 * @throws what the system says; the earlier folder is in its place then
 */
export async function replaceFolder(staged: string, out: string): Promise<void> {
  for (;;) {
    const earlier = asideOf(out);
    const replaced = await rename(out, earlier).then(
      () => true,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return false;
        throw cause;
      },
    );
    try {
      await rename(staged, out);
    } catch (cause) {
      // Another process has put a folder here in between: that one is replaced now.
      const taken = ["ENOTEMPTY", "EEXIST"].includes((cause as NodeJS.ErrnoException).code ?? "");
      if (replaced && taken) await rm(earlier, { recursive: true, force: true });
      else if (replaced) await rename(earlier, out);
      if (taken && (await isThere(staged))) continue;
      throw cause;
    }
    await syncFolder(dirname(out));
    if (replaced) await rm(earlier, { recursive: true, force: true });
    return;
  }
}

/**
 * Puts back a folder that stepped aside for another, where the process that wanted to replace it was killed. What is left
 * beside a folder that is in its place goes.
 * @returns whether a folder that was missing is there now
 */
export async function putBack(folder: string): Promise<boolean> {
  const out = await behindLinks(folder).catch(() => folder);
  const missing = !(await isThere(out));
  for (let look = 0; look < looks; look++) {
    const aside = (await readdir(dirname(out)).catch(() => [])).filter((name) => name.endsWith(endOf(out)));
    const left = aside.filter((name) => isLeft(name));
    if (!missing) {
      for (const name of left)
        await rm(join(dirname(out), name), { recursive: true, force: true }).catch(() => undefined);
      return false;
    }
    if (left.length > 0) {
      const moved = await rename(join(dirname(out), left[0]!), out).then(
        () => true,
        () => false,
      );
      if (moved) await syncFolder(dirname(out));
      return moved || isThere(out);
    }
    if (await isThere(out)) return true;
    if (aside.length === 0) return false;
    await sleep(10);
  }
  return false;
}

function isLeft(name: string): boolean {
  const tag = /^\.innerloop-([0-9a-f]{8}-\d+-\d*)-/.exec(name)?.[1];
  const owner = tag === undefined ? undefined : ownerOf(tag);
  if (owner?.pid === process.pid) return tag !== tagOf(self());
  return owner !== undefined && isOver(owner);
}
