// A run survives its terminal: signals, a terminal that closes, streams that close or cannot be written. What is promised is
// that nothing is lost, and the exit status.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { program } from "../support/innerloop.ts";
import { longRuns, once, threads, wave } from "./long-runs.ts";

const { cwd, path, words, iterationOf } = longRuns();

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
  });

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
  });

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
  });

  it("stops no run that is not told, as one that a shell has disowned", async () => {
    expect(await closed(`${wave} --iterations 1000 --out apart`, false, "apart")).toBe("0");
    expect(await iterationOf("apart")).toBe(1000);
  });
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
  });

  it("results that cannot be written are an error, and nothing else is lost", async () => {
    const outcome = await words(`${wave} --iterations 5 --out unwritten`, { redirected: "> /dev/full" });
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toMatch(/error: The result could not be written to stdout: ENOSPC.*The work itself is done/);
    expect(outcome.stderr).not.toMatch(/^ +at /m);
    expect(await iterationOf("unwritten")).toBe(5);
    expect((await words("--help", { redirected: "> /dev/full" })).status).toBe(1);
    const quiet = await words(`${wave} --iterations 5 --out unsaid`, { redirected: "2> /dev/full" });
    expect([quiet.status, await iterationOf("unsaid")]).toEqual([0, 5]);
  });
});
