// The command `learning`: accuracy on unseen classes by minutes of training, ours by the command line beside learn2learn's way in PyTorch,
// in turns on one machine.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { metrics } from "@innerloop/train";
import { machine, type Outcome, tell } from "../outcome.ts";
import { table } from "../report.ts";
import { SideProcess } from "../sides/process.ts";
import { writeData } from "./data.ts";

export interface LearningOptions {
  readonly data: string;
  readonly minutes: readonly number[];
  readonly episodes: number;
  readonly preset: string;
  readonly json: boolean;
}

interface Accuracy {
  readonly mean: number;
  readonly ci95: number;
}

interface LearningRow {
  readonly minutes: number;
  readonly ours: Accuracy;
  readonly theirs?: Accuracy;
  /** Of the peer, by then. */
  readonly iterations?: number;
}

// This file runs compiled, from bench/dist/learning.
const fromHere = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const innerloop = (...args: readonly string[]): string =>
  execFileSync(process.execPath, [fromHere("../cli/bin/innerloop.js"), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });

/** Trains from nothing, exports, and measures the bundle. */
function ours(folder: string, minutes: number, { data, episodes, preset }: LearningOptions): Accuracy {
  const run = join(folder, `run-${minutes}`);
  innerloop("train", preset, "--data", data, "--minutes", String(minutes), "--out", run);
  innerloop("export", run);
  const size = ["--ways", "5", "--shots", "1", "--queries", "15", "--episodes", String(episodes)];
  const { accuracy } = JSON.parse(innerloop("eval", join(run, "bundle"), "--data", data, ...size, "--json"));
  return { mean: accuracy.mean, ci95: accuracy.ci95 };
}

export async function learning(options: LearningOptions): Promise<Outcome> {
  const { data, minutes, episodes, json } = options;
  const folder = await mkdtemp(join(tmpdir(), "innerloop-learning-"));
  const python = process.env.INNERLOOP_PYTHON ?? "python3";
  const script = fromHere("learning/learn2learn_peer.py");
  let peer: SideProcess | undefined;
  let missing: string | undefined;
  const rows: LearningRow[] = [];
  try {
    const whole = minutes.reduce((sum, each) => sum + each, 0) + Math.max(...minutes);
    tell(`${whole.toFixed(1)} minutes of training in all, ours anew for each number of minutes, and the measuring`);
    await writeData(data, folder, episodes);
    peer = new SideProcess(python, [script, folder, String(availableParallelism())], { PYTHONDONTWRITEBYTECODE: "1" });
    for (const until of [...minutes].sort((a, b) => a - b)) {
      tell(`${until} minutes: ours`);
      const mine = ours(folder, until, options);
      const row: LearningRow = { minutes: until, ours: mine };
      if (missing === undefined) {
        tell(`${until} minutes: learn2learn's way`);
        try {
          const { iterations } = await peer.ask<{ iterations: number }>({ op: "train", until: 60 * until });
          const { accuracies } = await peer.ask<{ accuracies: number[] }>({ op: "evaluate" });
          rows.push({ ...row, theirs: metrics.estimate(accuracies), iterations });
          continue;
        } catch (cause) {
          missing = `${(cause as Error).message}; to have it: python3 -m pip install torch numpy`;
        }
      }
      rows.push(row);
    }
  } finally {
    peer?.close();
    await rm(folder, { recursive: true, force: true });
  }
  const { processor, cores } = machine();
  if (json)
    return {
      text: JSON.stringify({ machine: machine(), data, episodes, missing: missing ?? null, rows }, null, 2),
      status: 0,
    };
  const percent = (found: Accuracy | undefined) =>
    found ? `${(100 * found.mean).toFixed(1)} ± ${(100 * found.ci95).toFixed(1)} %` : "–";
  const text = [
    table(
      ["minutes", "ours", "learn2learn's way", "its iterations", ""],
      rows.map(({ minutes: until, ours: mine, theirs, iterations }) => [
        String(until),
        percent(mine),
        percent(theirs),
        iterations === undefined ? "–" : String(iterations),
        theirs === undefined ? "" : mine.mean > theirs.mean ? "ahead" : "BEHIND",
      ]),
    ),
    ...(missing === undefined ? [] : [`learn2learn's way is missing: ${missing}`]),
    `${data}, 5 ways, 1 shot, ${episodes} episodes of unseen classes; ${processor}, ${cores} cores; a run of ours for each row, one of the peer in all`,
  ].join("\n");
  return { text, status: 0 };
}
