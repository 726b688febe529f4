// The two commands: against peers, and against what was measured before.
import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { InnerloopError } from "@innerloop/schemas";
import { type Contender, interleave, median, summarize } from "./contender.ts";
import { ourMemory } from "./memory.ts";
import { type Ours, prepareOurs } from "./ours.ts";
import { type PeerResult, TorchPeer } from "./peers/torch.ts";
import { openReference } from "./reference.ts";
import {
  type CheckRow,
  checkTable,
  differenceOf,
  equalWithin,
  isMet,
  noiseOf,
  type PeerRow,
  type Pinned,
  peersTable,
  verdictOf,
} from "./report.ts";
import { type Workload, workloadNamed } from "./workloads.ts";

/** What both commands take. */
export interface MeasureOptions {
  readonly workloads: readonly string[];
  readonly threads: readonly number[];
  /** Pairs of turns; as many as fit in some seconds unless given. */
  readonly runs?: number;
  readonly json: boolean;
}

export interface PeersOptions extends MeasureOptions {
  readonly memory: boolean;
}

export interface CheckOptions extends MeasureOptions {
  /** The file with what is pinned. */
  readonly reference: string;
  readonly update: boolean;
}

/** What a command says, and its exit status. */
export interface Outcome {
  readonly text: string;
  readonly status: 0 | 1;
}

export const machine = () => ({
  processor: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  node: process.version,
});

export const tell = (words: string): void => void process.stderr.write(`${words}\n`);

/** Times every workload against PyTorch where it is there; ours alone where it is not. */
export async function peers({ workloads, threads, runs, json, memory }: PeersOptions): Promise<Outcome> {
  const chosen = workloads.map(workloadNamed);
  let missing = "";
  const peer = await TorchPeer.start().catch((cause: Error) => {
    missing = `${cause.message}. To have it: python3 -m pip install torch numpy; another interpreter is named by INNERLOOP_PYTHON.`;
    return undefined;
  });
  if (missing) tell(missing);
  const rows: PeerRow[] = [];
  let version = "";
  try {
    for (const workload of chosen)
      for (const count of threads) {
        tell(`${workload.name}, ${count} ${count === 1 ? "thread" : "threads"}`);
        const ours = await prepareOurs(workload, count);
        try {
          const row = await against(peer, ours, workload, count, runs);
          version ||= row.version;
          rows.push({ ...row.row, ...(memory ? { memory: await memoryOf(row.row) } : {}) });
        } finally {
          await ours.close();
        }
      }
  } finally {
    peer?.close();
  }
  const unequal = rows.filter((row) => row.state === "unequal");
  const notes = [
    ...(missing ? [missing] : []),
    ...unequal.map(
      (row) =>
        `${row.workload}, ${row.threads}: the results are ${row.difference!.toExponential(1)} apart, at most ${equalWithin} was expected; what is not equal is not timed.`,
    ),
  ];
  const text = json
    ? JSON.stringify(
        { machine: machine(), peer: { name: "PyTorch", version: version || null }, missing: missing || null, rows },
        null,
        2,
      )
    : [
        peersTable(rows, "PyTorch"),
        ...notes,
        ...(version ? [`PyTorch ${version}, eager; ${machine().processor}`] : []),
      ].join("\n");
  return { text, status: unequal.length > 0 ? 1 : 0 };
}

async function against(
  peer: TorchPeer | undefined,
  ours: Ours,
  workload: Workload,
  threads: number,
  runs: number | undefined,
): Promise<{ row: PeerRow; version: string }> {
  const known = { workload: workload.name, threads, target: workload.target, ours: ours.way };
  if (!peer) {
    await ours.run(3);
    const milliseconds = median(await ours.run(runs ?? 11));
    return { row: { ...known, state: "missing", milliseconds }, version: "" };
  }
  const prepared = await peer.prepare(workload.name, threads);
  const expected: PeerResult =
    workload.kind === "adapt" ? prepared.float64 : { ...prepared.float64, losses: [mean(prepared.float64.losses)] };
  const difference = differenceOf(await ours.result(), expected);
  const compared = { ...known, theirs: prepared.variant, difference };
  if (!(difference <= equalWithin)) return { row: { ...compared, state: "unequal" }, version: prepared.torch };
  const theirs: Contender = { run: (times) => peer.run(workload.name, times) };
  const summary = summarize(await interleave(ours, theirs, runs));
  const met = isMet(summary, workload.target);
  return { row: { ...compared, state: "timed", summary, met }, version: prepared.torch };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

async function memoryOf({ workload, threads, theirs: variant }: PeerRow): Promise<NonNullable<PeerRow["memory"]>> {
  const ours = await ourMemory(workload, threads);
  if (variant === undefined) return { ours };
  const peer = await TorchPeer.start();
  try {
    // Where the operating system does not tell, the table has a gap.
    const theirs = await peer.memory(workload, threads, variant).catch(() => undefined);
    return theirs === undefined ? { ours } : { ours, theirs };
  } finally {
    peer.close();
  }
}

/** What reference.json holds. */
interface ReferenceFile {
  readonly machine: ReturnType<typeof machine>;
  readonly pinned: readonly Pinned[];
}

/** Times every workload against the reference and compares with what is pinned, or pins it. */
export async function check({ workloads, threads, runs, json, reference, update }: CheckOptions): Promise<Outcome> {
  const chosen = workloads.map(workloadNamed);
  const file = await readReference(reference, update);
  const rows: CheckRow[] = [];
  for (const workload of chosen)
    for (const count of threads) {
      tell(`${workload.name}, ${count} ${count === 1 ? "thread" : "threads"}`);
      const [ours, theirs] = await Promise.all([prepareOurs(workload, count), openReference(workload, count)]);
      try {
        const summary = summarize(await interleave(ours, theirs, runs));
        const pinned = file?.pinned.find((entry) => entry.workload === workload.name && entry.threads === count);
        const verdict = verdictOf(summary, pinned);
        rows.push({ workload: workload.name, threads: count, summary, ...(pinned ? { pinned } : {}), verdict });
      } finally {
        await Promise.all([ours.close(), theirs.close()]);
      }
    }
  const elsewhere = file && file.machine.processor !== machine().processor;
  const notes = elsewhere
    ? [
        `Pinned on another processor (${file.machine.processor}); ratios may differ for that reason: see bench/README.md.`,
      ]
    : [];
  const text = json ? JSON.stringify({ machine: machine(), rows }, null, 2) : [checkTable(rows), ...notes].join("\n");
  if (update) {
    await writeReference(reference, file, rows);
    return { text, status: 0 };
  }
  return { text, status: rows.some(({ verdict }) => verdict === "worse") ? 1 : 0 };
}

async function readReference(path: string, update: boolean): Promise<ReferenceFile | undefined> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (update && cause.code === "ENOENT") return undefined;
    throw new InnerloopError(
      "reference-missing",
      `${path} could not be read (${cause.message}); it holds the pinned ratios; write it with npm run bench -- check --update.`,
    );
  });
  return text === undefined ? undefined : JSON.parse(text);
}

/** Replaces what was measured; what was not stays, unless it was pinned on another machine. */
async function writeReference(
  path: string,
  before: ReferenceFile | undefined,
  rows: readonly CheckRow[],
): Promise<void> {
  const now = rows.map(
    ({ workload, threads, summary }): Pinned => ({
      workload,
      threads,
      ratio: Number(summary.ratio.toPrecision(3)),
      noise: noiseOf(summary),
    }),
  );
  const kept = before?.machine.processor === machine().processor ? before.pinned : [];
  const others = kept.filter(
    (old) => !now.some((fresh) => fresh.workload === old.workload && fresh.threads === old.threads),
  );
  const file: ReferenceFile = { machine: machine(), pinned: [...others, ...now] };
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`);
}
