// How work was laid out over a processor when it was timed there, for later processes: one small file beside what else is kept.
// Whatever is wrong with it, nothing counts as known.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { dirname, join } from "node:path";
import { makeFolder, replaceFile } from "@innerloop/runtime/files";
import { versionOf } from "../../choose/finding.ts";
import { cacheFolder } from "./store.ts";

/** Worker threads, and the threads that ONNX Runtime has in each of them for a run. */
export interface Layout {
  readonly workers: number;
  readonly threads: number;
}

/** So many are kept, the latest ones. */
const most = 500;

/** Undefined where nothing is kept. */
function file(): string | undefined {
  const folder = cacheFolder();
  return folder === undefined ? undefined : join(dirname(folder), "layouts.json");
}

/** Whether what is found out stays for later processes. */
export const layoutsAreKept = (): boolean => file() !== undefined;

/** What was found for some work, of these ways. */
export function keptLayout(work: object, ways: readonly Layout[]): Layout | undefined {
  const known = kept()[keyOf(work)];
  return ways.find(({ workers, threads }) => known?.[0] === workers && known[1] === threads);
}

/** Keeps it. What fails here costs a later process some time, no more. */
export async function keepLayout(work: object, { workers, threads }: Layout): Promise<void> {
  const path = file();
  if (path === undefined) return;
  const key = keyOf(work);
  const others = Object.entries(kept()).filter(([name]) => name !== key);
  const all = Object.fromEntries([...others, [key, [workers, threads]] as const].slice(-most));
  try {
    await makeFolder(dirname(path));
    await replaceFile(path, new TextEncoder().encode(JSON.stringify(all)));
  } catch {
    // A disk that is full is no reason not to train.
  }
}

function kept(): Readonly<Record<string, readonly unknown[] | undefined>> {
  try {
    const found: unknown = JSON.parse(readFileSync(file()!, "utf8"));
    const entries = Object.entries(found ?? {}).filter(([, value]) => Array.isArray(value));
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}

const keyOf = (work: object): string =>
  createHash("sha256")
    .update(JSON.stringify([versionOf("onnxruntime-node"), cpus()[0]?.model, availableParallelism(), work]))
    .digest("hex")
    .slice(0, 32);
