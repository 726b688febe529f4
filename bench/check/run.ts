// The command `check`: what is here now beside an earlier commit, built and measured in the same run, so that the machine cancels out.
import { type Pair, pairsOf, type Summary, summarize, takeTurns } from "../contender.ts";
import type { OurEngine } from "../ours/engines.ts";
import { machine, type Outcome, tell, threadsInWords } from "../outcome.ts";
import { differenceOf, equalWithin, fixed, spread, table, time, type Verdict, verdictOf } from "../report.ts";
import { startOurs } from "../sides/list.ts";
import { makeReady, type Ready } from "../sides/ready.ts";
import { type Workload, workloadNamed } from "../workloads.ts";
import { buildEarlier, type Earlier } from "./earlier.ts";

export interface CheckOptions {
  readonly workloads: readonly string[];
  readonly threads: readonly number[];
  readonly against: string;
  readonly engine: OurEngine;
  /** Pairs of turns of each start. */
  readonly runs?: number;
  /** How often both are started anew: where arrays lie in memory is another each time. */
  readonly starts: number;
  /** What a ratio may move by chance, relative. */
  readonly noise: number;
  readonly small: boolean;
  readonly install: boolean;
  readonly json: boolean;
}

interface CheckRow {
  readonly workload: string;
  readonly threads: number;
  /** Now to then. */
  readonly summary?: Summary;
  /** The largest relative difference of the results. */
  readonly difference?: number;
  readonly verdict: Verdict | "not there";
  /** Why it could not be compared. */
  readonly reason?: string;
}

/** As long as it takes: nobody waits for a compiler of others here. */
const limit = 600;

async function compare(
  workload: Workload,
  threads: number,
  earlier: Earlier,
  options: CheckOptions,
): Promise<CheckRow> {
  const known = { workload: workload.name, threads };
  const task = { case: workload.case, threads, engine: options.engine };
  const pairs: Pair[] = [];
  let difference = 0;
  for (let i = 0; i < options.starts; i++) {
    const open: Ready[] = [];
    try {
      const now = await makeReady(() => startOurs(workload.fresh), workload, task, limit);
      open.push(now);
      const then = await makeReady(() => startOurs(workload.fresh, earlier.bench), workload, task, limit).catch(
        (cause: Error) => cause,
      );
      if (then instanceof Error) return { ...known, verdict: "not there", reason: then.message };
      open.push(then);
      difference = Math.max(difference, differenceOf(now.prepared.result, then.prepared.result));
      pairs.push(...pairsOf(await takeTurns([now.contender, then.contender], options.runs), 0, 1));
    } finally {
      for (const { close } of open) close();
    }
  }
  const summary = summarize(pairs);
  return { ...known, summary, difference, verdict: verdictOf(summary, options.noise) };
}

/** Times every workload now and then. */
export async function check(options: CheckOptions): Promise<Outcome> {
  const { against, engine, small, install, json } = options;
  const chosen = options.workloads.map((name) => workloadNamed(name, small));
  const earlier = buildEarlier(against, install, engine);
  const rows: CheckRow[] = [];
  try {
    for (const workload of chosen)
      for (const threads of options.threads) {
        tell(`${workload.name}, ${threadsInWords(threads)}`);
        rows.push(await compare(workload, threads, earlier, options));
      }
  } finally {
    earlier.remove();
  }
  const status = rows.some(({ verdict }) => verdict === "slower") ? 1 : 0;
  const { commit } = earlier;
  if (json) return { text: JSON.stringify({ machine: machine(), engine, against: commit, rows }, null, 2), status };
  const notes = rows.flatMap(({ workload, difference, reason }) => [
    ...(reason === undefined ? [] : [`${workload}: the earlier commit does not run it: ${reason}`]),
    ...(difference === undefined || difference <= equalWithin
      ? []
      : [`${workload}: results are ${difference.toExponential(1)} apart from the earlier commit's.`]),
  ]);
  return {
    text: [checkTable(rows), ...notes, `${engine}, against ${commit}; ${machine().processor}`].join("\n"),
    status,
  };
}

const checkTable = (rows: readonly CheckRow[]): string =>
  table(
    ["workload", "threads", "now ms", "then ms", "ratio", "quartiles", ""],
    rows.map(({ workload, threads, summary, verdict }) => [
      workload,
      String(threads),
      time(summary?.ours),
      time(summary?.theirs),
      fixed(summary?.ratio, 3),
      spread(summary, 3),
      verdict,
    ]),
  );
