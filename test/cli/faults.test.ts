// A run survives its terminal and its machine: signals, streams that close, disks that are full, processes that are killed.
// What is promised is that nothing is lost, and the exit status.
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { constants, hostname } from "node:os";
import { join } from "node:path";
import { Learner } from "@innerloop/runtime";
import { readCheckpoint } from "@innerloop/train";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop, program, writeImages } from "../support/innerloop.ts";
import { killedAtRename, killedWorkers } from "./faults.ts";

const cwd = temporaryFolder();
const path = (...parts: string[]) => join(cwd, ...parts);
const words = (text: string, more = {}) => innerloop(text.split(" "), { cwd, ...more });
const iterationOf = async (run: string) => (await readCheckpoint(path(run))).header.iteration;

const wave = "train sinusoid-10shot --meta-batch 4 --validate-every 100 --validate-episodes 4 --workers 0";
/** Steps of seconds, over threads: what is told in the middle of one does not find it over. */
const threads = "train quickstart --minutes 5 --meta-batch 150 --validate-every 1000 --workers 2";

interface Process {
  kill(signal: string): boolean;
  readonly stdout: { destroy(): void };
  readonly stderr: { destroy(): void };
}

/** Does something once, when stderr holds a text. */
const once = (text: string | RegExp, act: (process: Process) => void) => {
  let done = false;
  return (process: Process, said: string) => {
    if (done || !new RegExp(text).test(said)) return;
    done = true;
    act(process);
  };
};

beforeAll(async () => {
  expect((await words(`${wave} --iterations 5 --out small`)).status).toBe(0);
}, 120_000);

/** A copy of a finished run, and its exported bundle. */
const copied = (name: string): string => {
  mkdirSync(path(name));
  copyFileSync(path("small", "checkpoint.safetensors"), path(name, "checkpoint.safetensors"));
  return name;
};

describe("signals", () => {
  it("Ctrl-C twice ends a run with worker threads at once, as the signal does; what it had saved is there", async () => {
    const outcome = await words(`${threads} --out twice`, {
      // In the middle of the second step, and not so soon after one another that a runner may have passed one on.
      onStderr: once("batch 1/", (process) => {
        setTimeout(() => process.kill("SIGINT"), 300);
        setTimeout(() => process.kill("SIGINT"), 2000);
      }),
    });
    // A shell says 128 + 2 of this; an abort would be SIGABRT, 134.
    expect([outcome.status, outcome.signal]).toEqual([null, "SIGINT"]);
    expect(await iterationOf("twice")).toBe(0);
    const resumed = await words("train --resume --out twice --iterations 1 --validate-episodes 100");
    expect([resumed.status, await iterationOf("twice")]).toEqual([0, 1]);
  }, 120_000);

  it("a Ctrl-C that a runner passes on as well counts once", async () => {
    const outcome = await words(`${wave} --iterations 100000 --out echo`, {
      onStderr: once("iteration +100", (process) => {
        process.kill("SIGINT");
        process.kill("SIGINT");
        setTimeout(() => process.kill("SIGINT"), 20);
      }),
    });
    expect(outcome.status).toBe(130);
    expect(outcome.stderr).toContain("everything is saved in echo");
  }, 120_000);

  it.each(["SIGHUP", "SIGTERM"] as const)(
    "%s saves, and is in the status",
    async (signal) => {
      const outcome = await words(`${wave} --iterations 100000 --out ${signal}`, {
        onStderr: once("iteration +100", (process) => process.kill(signal)),
      });
      expect(outcome.status).toBe(128 + constants.signals[signal]);
      expect(await iterationOf(signal)).toBeGreaterThanOrEqual(100);
      expect(readdirSync(path(signal))).toEqual(["checkpoint.safetensors"]);
    },
    120_000,
  );
});

/** Whether `script` can make a terminal here. */
const hasTerminals = (() => {
  try {
    execFileSync("script", ["-qc", "true", "/dev/null"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe("an export that is stopped", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "by %s leaves nothing, and the bundle before as it was",
    async (signal) => {
      expect((await words("train quickstart --iterations 2 --validate-episodes 2 --out glyphs")).status).toBe(0);
      const run = () => words("export glyphs --out whole", { onStderr: once("calibrating", (it) => it.kill(signal)) });
      const outcome = await run();
      expect(outcome.status).toBe(128 + constants.signals[signal]);
      expect(outcome.stderr).toContain("nothing is written");
      expect(readdirSync(cwd).filter((name) => name === "whole" || name.endsWith(".tmp"))).toEqual([]);
      expect((await words("export glyphs --out whole --no-calibrate")).status).toBe(0);
      const manifest = readFileSync(path("whole", "manifest.json"));
      expect((await run()).status).toBe(128 + constants.signals[signal]);
      expect(readFileSync(path("whole", "manifest.json"))).toEqual(manifest);
      for (const name of ["whole", "glyphs"]) rmSync(path(name), { recursive: true });
    },
    120_000,
  );
});

describe.skipIf(!hasTerminals)("a terminal that closes (needs the program script)", () => {
  /**
   * What leads the terminal, as a shell does: it is told of the end, and tells what it has started, unless it has disowned
   * it. No shell is used, since which status `wait` answers depends on when a signal comes.
   */
  const leader = `
    import { spawn } from "node:child_process";
    import { renameSync, writeFileSync } from "node:fs";
    const [told, file, ...words] = process.argv.slice(2);
    const run = spawn(process.execPath, words, { stdio: "inherit" });
    process.on("SIGHUP", () => told === "told" && run.kill("SIGHUP"));
    run.on("exit", (status, signal) => {
      writeFileSync(file + ".part", String(status ?? signal));
      renameSync(file + ".part", file);
    });
  `;

  /** Runs `innerloop …` in a terminal that is taken away in the middle of the run; how the run ended. */
  async function closed(command: string, told: boolean, run: string): Promise<string> {
    const file = path(`${run}.status`);
    writeFileSync(path("leader.mjs"), leader);
    const line = `exec "${process.execPath}" leader.mjs ${told ? "told" : "disowned"} "${file}" "${program}" ${command}`;
    const terminal = spawn("script", ["-qc", line, "/dev/null"], { cwd, stdio: ["pipe", "pipe", "ignore"] });
    let said = "";
    terminal.stdout!.on("data", (chunk) => {
      said += chunk;
      if (/iteration +100/.test(said)) terminal.kill("SIGKILL");
    });
    while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 50));
    return readFileSync(file, "utf8");
  }

  it("ends a run with everything saved, and 129", async () => {
    expect(await closed(`${wave} --iterations 100000 --out hangup`, true, "hangup")).toBe("129");
    expect(await iterationOf("hangup")).toBeGreaterThanOrEqual(100);
    expect(readdirSync(path("hangup"))).toEqual(["checkpoint.safetensors"]);
  }, 120_000);

  it("stops no run that is not told, as one that a shell has disowned", async () => {
    expect(await closed(`${wave} --iterations 1000 --out apart`, false, "apart")).toBe("0");
    expect(await iterationOf("apart")).toBe(1000);
  }, 120_000);
});

describe("streams", () => {
  it.each(["stdout", "stderr"] as const)(
    "a %s that closes midway stops nothing",
    async (stream) => {
      const outcome = await words(`${wave} --iterations 250 --out closed-${stream}`, {
        onStderr: once("iteration +100", (process) => process[stream].destroy()),
      });
      expect(outcome.status).toBe(0);
      expect(await iterationOf(`closed-${stream}`)).toBe(250);
    },
    120_000,
  );

  it("nor does one whose reader has seen enough: 2>&1 | head -1", async () => {
    const line = `"${process.execPath}" "${program}" ${wave} --iterations 250 --out head 2>&1 | head -1; exit \${PIPESTATUS[0]}`;
    expect(execFileSync("bash", ["-c", line], { cwd, encoding: "utf8" })).toMatch(
      /^ +task +10 shots on sinusoid[^\n]*\n$/,
    );
    expect(await iterationOf("head")).toBe(250);
  }, 120_000);

  it("results that cannot be written are an error, and nothing else is lost", async () => {
    const outcome = await words(`${wave} --iterations 5 --out unwritten`, { redirected: "> /dev/full" });
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toMatch(/error: The result could not be written to stdout: ENOSPC.*The work itself is done/);
    expect(outcome.stderr).not.toMatch(/^ +at /m);
    expect(await iterationOf("unwritten")).toBe(5);
    expect((await words("--help", { redirected: "> /dev/full" })).status).toBe(1);
    const quiet = await words(`${wave} --iterations 5 --out unsaid`, { redirected: "2> /dev/full" });
    expect([quiet.status, await iterationOf("unsaid")]).toEqual([0, 5]);
  }, 120_000);
});

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
  }, 120_000);

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
  }, 120_000);

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
  }, 120_000);

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
  }, 120_000);
});

describe("an export that is killed", () => {
  const out = path("place", "bundle");
  const beside = () => readdirSync(path("place"));

  it("between its two renames leaves the earlier bundle to whoever loads or exports next", async () => {
    mkdirSync(path("place"));
    expect((await words("export small --out place/bundle")).status).toBe(0);
    const before = readFileSync(join(out, "manifest.json"), "utf8");
    const env = killedAtRename(cwd, /\.earlier$/, "after");
    const killed = async () => {
      expect((await words("export small --out place/bundle", { env })).signal).toBe("SIGKILL");
      expect(existsSync(out)).toBe(false);
    };
    await killed();
    await (await Learner.load(out, { task: "regression", provider: "cpu" })).dispose();
    expect(readFileSync(join(out, "manifest.json"), "utf8")).toBe(before);
    await killed();
    expect((await words("inspect place/bundle --json")).status).toBe(0);
    expect(readFileSync(join(out, "manifest.json"), "utf8")).toBe(before);
    await killed();
    expect((await words("export small --out place/bundle")).status).toBe(0);
    expect(readFileSync(join(out, "manifest.json"), "utf8")).not.toBe(before);
    expect(beside()).toEqual(["bundle"]);
  }, 120_000);

  it("while it writes leaves the earlier bundle, and nothing beside it after the next", async () => {
    const env = killedAtRename(cwd, /\.earlier$/, "before");
    expect((await words("export small --out place/bundle", { env })).signal).toBe("SIGKILL");
    expect(beside().length).toBe(2);
    await (await Learner.load(out, { task: "regression", provider: "cpu" })).dispose();
    expect((await words("export small --out place/bundle")).status).toBe(0);
    expect(beside()).toEqual(["bundle"]);
  }, 120_000);

  it("of several at once into one place leaves one bundle, whole", async () => {
    const outcomes = await Promise.all([1, 2, 3].map(() => words("export small --out place/bundle")));
    expect(outcomes.map(({ status, stderr }) => [status, stderr.match(/error.*/)?.[0]])).toEqual(
      [1, 2, 3].map(() => [0, undefined]),
    );
    await (await Learner.load(out, { task: "regression", provider: "cpu" })).dispose();
    expect(beside()).toEqual(["bundle"]);
  }, 120_000);

  it("through a link replaces what the link leads to", async () => {
    symlinkSync(join("place", "bundle"), path("link"));
    const before = readFileSync(join(out, "manifest.json"), "utf8");
    expect((await words("export small --out link")).status).toBe(0);
    expect(readFileSync(join(out, "manifest.json"), "utf8")).not.toBe(before);
    expect(readFileSync(path("link", "manifest.json"), "utf8")).toBe(readFileSync(join(out, "manifest.json"), "utf8"));
  });
});

describe("a saved user", () => {
  const adapt = (file: string, more = {}) =>
    innerloop(["adapt", "place/bundle", "--support", "points.json", "--out", file], { cwd, ...more });
  const mode = (file: string) => statSync(path(file)).mode & 0o777;

  beforeAll(() => {
    const rows = [0, 1, 2].map((x) => ({ x: [x], y: [x / 2] }));
    writeFileSync(path("points.json"), JSON.stringify(rows));
  });

  it("is its owner's alone, keeps its mode, and stays behind its link", async () => {
    expect((await adapt("mine.safetensors")).status).toBe(0);
    expect(mode("mine.safetensors")).toBe(0o600);
    chmodSync(path("mine.safetensors"), 0o664);
    symlinkSync("mine.safetensors", path("linked.safetensors"));
    symlinkSync("later.safetensors", path("dangling.safetensors"));
    expect((await adapt("linked.safetensors")).status).toBe(0);
    expect((await adapt("dangling.safetensors")).status).toBe(0);
    expect([mode("mine.safetensors"), mode("later.safetensors")]).toEqual([0o664, 0o600]);
    expect(readdirSync(cwd).filter((name) => name.startsWith(".innerloop"))).toEqual([]);
  }, 120_000);

  it("of a process that was killed is the earlier one, and what that process left goes with the next", async () => {
    const before = readFileSync(path("mine.safetensors"));
    const env = killedAtRename(cwd, /mine\.safetensors$/, "before");
    expect((await adapt("mine.safetensors", { env })).signal).toBe("SIGKILL");
    expect(readFileSync(path("mine.safetensors")).equals(before)).toBe(true);
    const left = () => readdirSync(cwd).filter((name) => name.startsWith(".innerloop"));
    expect(left().length).toBe(1);
    expect((await adapt("another.safetensors")).status).toBe(0);
    expect(left()).toEqual([]);
  }, 120_000);

  it("has a place that is tried before the work", async () => {
    execFileSync("mkfifo", [path("pipe")]);
    for (const [file, why] of [
      ["nowhere/mine.safetensors", /cannot be written \(ENOENT/],
      ["points.json/mine.safetensors", /cannot be written \(ENOTDIR/],
      ["pipe", /is no ordinary file/],
      ["place", /is no ordinary file/],
    ] as const) {
      const { status, stderr } = await innerloop(["adapt", "place/bundle", "--support", "absent", "--out", file], {
        cwd,
      });
      expect(status, file).toBe(1);
      expect(stderr, file).toMatch(why);
    }
    const taken = await words("export small --out points.json/bundle --data images:absent");
    expect([taken.status, taken.stderr]).toEqual([1, expect.stringMatching(/the bundle was not written/)]);
  }, 120_000);
});

/** A disk of 64 kB, where this may mount one. */
const disk = path("disk");
const mounted = (() => {
  try {
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
afterAll(() => {
  if (mounted) execFileSync("umount", [disk]);
});

describe("a disk that is full", () => {
  it.skipIf(!mounted)(
    "keeps the earlier checkpoint, bundle and user (needs to mount a small disk)",
    async () => {
      copied(join("disk", "run"));
      const adapt = ["adapt", "place/bundle", "--support", "points.json", "--out", "disk/mine.safetensors"];
      expect((await innerloop(adapt, { cwd })).status).toBe(0);
      const kept = ["run/checkpoint.safetensors", "mine.safetensors"].map((name) => path("disk", name));
      const before = kept.map((file) => readFileSync(file));
      const there = readdirSync(disk, { recursive: true }).sort();
      const run = await words("train --resume --out disk/run --iterations 6");
      expect([run.status, run.stderr]).toEqual([
        1,
        expect.stringMatching(/the disk is full; free some space.*unchanged/s),
      ]);
      const bundle = await words("export small --out disk/bundle");
      expect([bundle.status, bundle.stderr]).toEqual([1, expect.stringMatching(/the bundle was not written \(ENOSPC/)]);
      expect(readdirSync(disk, { recursive: true }).sort()).toEqual(there);
      expect(() => writeFileSync(path("disk", "filler"), Buffer.alloc(65_536))).toThrow("ENOSPC");
      const user = await innerloop(adapt, { cwd });
      expect([user.status, user.stderr]).toEqual([1, expect.stringMatching(/nothing was written \(ENOSPC/)]);
      expect(kept.map((file, i) => readFileSync(file).equals(before[i]!))).toEqual([true, true]);
    },
    120_000,
  );
});

it("commands to copy lead to their paths, whatever a shell makes of their letters", async () => {
  const run = 'it\'s "a" $run; & <b> ~ 中\n1';
  await writeImages(path("photos of mine"), 12, 6);
  const trained = await innerloop(
    [
      ..."train --data images:photos`of`mine --algorithm prototypes --filters 4 --ways 2 --queries 2 --meta-batch 1".split(
        " ",
      ),
    ]
      .map((word) => word.replaceAll("`", " "))
      .concat(["--iterations", "1", "--validate-episodes", "2", "--out", run]),
    { cwd },
  );
  expect(trained.status, trained.stderr).toBe(0);
  const command = /Next: (innerloop [\s\S]*)\n$/.exec(trained.stdout)![1]!;
  const taken = execFileSync("bash", ["-c", `innerloop() { printf '%s\\0' "$@"; }\n${command}`], { encoding: "utf8" });
  expect(taken.split("\0").slice(0, -1)).toEqual(["export", run]);
  const exported = await innerloop(["export", run], { cwd });
  expect(exported.status, exported.stderr).toBe(0);
  expect(exported.stdout).toMatch(/Next: innerloop eval \$'/);
}, 120_000);
