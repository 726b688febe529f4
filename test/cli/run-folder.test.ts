// The folder of a run has one writer at a time, and what it holds outlives the process that wrote it and its machine.
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { innerloop } from "../support/innerloop.ts";
import { killedAtRename } from "./faults.ts";
import { longRuns } from "./long-runs.ts";

const { cwd, path, words, iterationOf, copied } = longRuns();

describe("a run's folder", () => {
  it("is written by one process: of two that go on with it, one does", async () => {
    const run = copied("shared");
    const outcomes = await Promise.all(
      [300, 301].map((iterations) => words(`train --resume --out ${run} --iterations ${iterations}`)),
    );
    const [done, refused] = outcomes.sort((a, b) => a.status! - b.status!) as [
      (typeof outcomes)[0],
      (typeof outcomes)[0],
    ];
    expect([done.status, refused.status]).toEqual([0, 1]);
    expect(refused.stderr).toMatch(/shared is being written by process \d+ on .*wait until it ends/);
    expect(done.stdout).toContain(`${await iterationOf(run)} iterations`);
    expect(readdirSync(path(run))).toEqual(["checkpoint.safetensors"]);
  });

  it("of a process that was killed is taken over at once, and what that one left is cleared away", async () => {
    const run = copied("killed");
    const env = killedAtRename(cwd, /checkpoint\.safetensors$/, "before");
    const killed = await words(`train --resume --out ${run} --iterations 8`, { env });
    expect(killed.signal).toBe("SIGKILL");
    expect(readdirSync(path(run)).filter((name) => name !== "checkpoint.safetensors").length).toBe(2);
    expect(await iterationOf(run)).toBe(5);
    const next = await words(`train --resume --out ${run} --iterations 9`);
    expect([next.status, await iterationOf(run)]).toEqual([0, 9]);
    expect(readdirSync(path(run))).toEqual(["checkpoint.safetensors"]);
  });

  it("stays with a process of another machine, which cannot be asked; with how to take it", async () => {
    const run = copied("an other");
    writeFileSync(path(run, "lock"), JSON.stringify({ pid: 1, host: `not-${hostname()}`, start: "" }));
    const { status, stderr } = await innerloop(["train", "--resume", "--out", run, "--iterations", "9"], { cwd });
    expect(status).toBe(1);
    expect(stderr).toMatch(/by process 1 on not-.*delete 'an other\/lock'/s);
    expect(await iterationOf(run)).toBe(5);
  });

  it("of another process with the number of one that is over is taken over", async () => {
    const run = copied("renumbered");
    // This process is alive, and is not the one that started at that time.
    writeFileSync(path(run, "lock"), JSON.stringify({ pid: process.pid, host: hostname(), start: "1" }));
    const { status } = await words(`train --resume --out ${run} --iterations 6`);
    expect(status).toBe(process.platform === "linux" ? 0 : 1);
  });

  it("that was not named is another for each of several calls at once, and goes when nothing comes of it", async () => {
    const own = path("own");
    mkdirSync(own);
    const run = (data: string) =>
      innerloop([..."train --workers 0 --iterations 1 --validate-episodes 2 --data".split(" "), data], { cwd: own });
    const outcomes = await Promise.all([1, 2, 3].map(() => run("sinusoid")));
    expect(outcomes.map(({ status, stdout }) => [status, /^runs\/[\w-]+-(\d)/.exec(stdout)?.[1]]).sort()).toEqual([
      [0, "1"],
      [0, "2"],
      [0, "3"],
    ]);
    const names = readdirSync(join(own, "runs"));
    expect((await run("images:absent")).status).toBe(2);
    expect(readdirSync(join(own, "runs"))).toEqual(names);
  });

  // Linux says of a folder in /proc that it is not there, where it was just seen: what makes folders must not try for ever.
  it
    .skipIf(process.platform !== "linux")
    .each([["train quickstart --iterations 1 --out /proc/none/run"], ["demo --build /proc/none/site"]])(
    "%s ends, and says that nothing can be made there",
    async (call) => {
      const { status, stderr } = await words(call);
      expect([status, stderr]).toEqual([1, expect.stringMatching(/\/proc\/none\/\w+ could not be written.*ENOENT/)]);
    },
  );

  it("is readable by its owner alone, and keeps another mode that it was given", async () => {
    const file = path(copied("modes"), "checkpoint.safetensors");
    expect(statSync(path("small", "checkpoint.safetensors")).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o640);
    expect((await words("train --resume --out modes --iterations 6")).status).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });
});
