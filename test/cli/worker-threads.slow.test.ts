// A run outlives its worker threads.
import { describe, expect, it } from "vitest";
import { killedWorkers } from "./faults.ts";
import { longRuns, threads } from "./long-runs.ts";

const { cwd, words, iterationOf } = longRuns();

describe("worker threads that end", () => {
  it("end the run, which says why, and lose nothing", async () => {
    const env = killedWorkers(cwd, 6000);
    const outcome = await words(`${threads} --out workers`, { env });
    expect(outcome.status).toBe(1);
    const saved = await iterationOf("workers");
    expect(outcome.stderr).toMatch(/A worker thread ended with status 7.*Iteration \d+ is saved in workers/s);
    expect(outcome.stderr).toContain(`Iteration ${saved} is saved`);
    const next = await words(`train --resume --out workers --iterations ${saved + 1} --validate-episodes 100`);
    expect([next.status, await iterationOf("workers")]).toEqual([0, saved + 1]);
  });
});
