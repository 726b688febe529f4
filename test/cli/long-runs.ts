// Runs to do something to, in the middle or after their end: a short one that is done, and calls that take a while.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { readCheckpoint } from "@innerloop/train";
import { beforeAll, expect } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

export const wave = "train sinusoid-10shot --meta-batch 4 --validate-every 100 --validate-episodes 4 --workers 0";
/** Steps of seconds, over threads: what is told in the middle of one does not find it over. */
export const threads = "train quickstart --minutes 5 --meta-batch 150 --validate-every 1000 --workers 2";

interface Process {
  kill(signal: string): boolean;
  readonly stdout: { destroy(): void };
  readonly stderr: { destroy(): void };
}

/** Does something once, when stderr holds a text. */
export const once = (text: string | RegExp, act: (process: Process) => void) => {
  let done = false;
  return (process: Process, said: string) => {
    if (done || !new RegExp(text).test(said)) return;
    done = true;
    act(process);
  };
};

/** A folder for the runs of a file of tests, in which `small` is a finished one before they start. */
export function longRuns() {
  const cwd = temporaryFolder();
  const path = (...parts: string[]) => join(cwd, ...parts);
  const words = (text: string, more = {}) => innerloop(text.split(" "), { cwd, ...more });
  beforeAll(async () => {
    expect((await words(`${wave} --iterations 5 --out small`)).status).toBe(0);
  });
  return {
    cwd,
    path,
    words,
    iterationOf: async (run: string) => (await readCheckpoint(path(run))).header.iteration,
    /** A copy of the finished run. */
    copied: (name: string): string => {
      mkdirSync(path(name));
      copyFileSync(path("small", "checkpoint.safetensors"), path(name, "checkpoint.safetensors"));
      return name;
    },
  };
}
