// What measurements mean: whether two results are equal, whether a target is met, whether a ratio got worse; and tables.
import type { Summary } from "./contender.ts";
import type { PeerResult } from "./peers/torch.ts";

/** How far results may be apart, relative: float32 over some steps gives 1e-7 to 1e-5, a wrong term 1e-3 and more. */
export const equalWithin = 1e-4;

/**
 * The largest relative difference of two results: of losses by the larger loss, of projections by the array's norm.
 * Infinite where they do not hold the same things, or something is no number.
 */
export function differenceOf(ours: PeerResult, theirs: PeerResult): number {
  const names = Object.keys(theirs.projections);
  if (ours.losses.length !== theirs.losses.length || Object.keys(ours.projections).length !== names.length)
    return Number.POSITIVE_INFINITY;
  const differences = [
    ...theirs.losses.map((loss, i) => relative(ours.losses[i], loss, Math.max(...theirs.losses.map(Math.abs)))),
    ...names.map((name) => relative(ours.projections[name], theirs.projections[name]!, theirs.norms[name]!)),
    ...names.map((name) => relative(ours.norms[name], theirs.norms[name]!, theirs.norms[name]!)),
  ];
  return Math.max(...differences);
}

function relative(actual: number | undefined, expected: number, unit: number): number {
  const apart = Math.abs((actual ?? Number.NaN) - expected);
  return Number.isFinite(apart) ? (apart === 0 ? 0 : apart / unit) : Number.POSITIVE_INFINITY;
}

/** One workload against a peer. */
export interface PeerRow {
  readonly workload: string;
  readonly threads: number;
  readonly target: number;
  /** How ours ran. */
  readonly ours: string;
  /** `timed`; `unequal`: not timed, since the results differ; `missing`: there is no peer, ours alone was timed. */
  readonly state: "timed" | "unequal" | "missing";
  /** How the peer ran. */
  readonly theirs?: string;
  /** The largest relative difference of the results. */
  readonly difference?: number;
  readonly summary?: Summary;
  /** Our median, where there is no peer. */
  readonly milliseconds?: number;
  /** Whether the ratio of the medians is at most the target. */
  readonly met?: boolean;
  /** The most memory that a process of each side held, in MiB. */
  readonly memory?: { readonly ours: number; readonly theirs?: number };
}

export const isMet = ({ ratio }: Summary, target: number): boolean => ratio <= target;

/** What is pinned of a workload: its ratio to the reference, and how far noise may move that, relative. */
export interface Pinned {
  readonly workload: string;
  readonly threads: number;
  readonly ratio: number;
  readonly noise: number;
}

export type Verdict = "as before" | "worse" | "better" | "not pinned";

/**
 * Whether a ratio moved beyond noise: three quarters of the pairs have to lie beyond it, so that a disturbed run, whose
 * pairs scatter, does not cry wolf.
 */
export function verdictOf({ quartiles: [low, high] }: Summary, pinned: Pinned | undefined): Verdict {
  if (!pinned) return "not pinned";
  if (low > pinned.ratio * (1 + pinned.noise)) return "worse";
  if (high < pinned.ratio * (1 - pinned.noise)) return "better";
  return "as before";
}

/**
 * The noise to pin with a ratio: twice the spread of its pairs; at least what the places of arrays in memory do, and at
 * most what still catches something, for a pin that was made on a busy machine.
 */
export const noiseOf = ({ ratio, quartiles: [low, high] }: Summary): number =>
  Math.min(0.25, Math.max(0.08, Math.round(((2 * (high - low)) / ratio) * 100) / 100));

/** One workload against the reference. */
export interface CheckRow {
  readonly workload: string;
  readonly threads: number;
  readonly summary: Summary;
  readonly pinned?: Pinned;
  readonly verdict: Verdict;
}

const fixed = (value: number | undefined, digits = 2): string => value?.toFixed(digits) ?? "–";
const time = (value: number | undefined): string => fixed(value, value !== undefined && value < 10 ? 3 : 1);
const spread = (summary: Summary | undefined): string =>
  summary?.quartiles.map((quartile) => fixed(quartile)).join("–") ?? "–";

/** Rows of text as a Markdown table whose columns line up. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

export function peersTable(rows: readonly PeerRow[], peer: string): string {
  const memory = (mebibytes: number | undefined) => fixed(mebibytes, 0);
  const said = (row: PeerRow): string => {
    if (row.state === "missing") return `${peer} is missing`;
    return row.state === "unequal" ? "results differ" : row.met ? "met" : "NOT MET";
  };
  return table(
    [
      "workload",
      "threads",
      "ours ms",
      `${peer} ms`,
      "ratio",
      "quartiles",
      "target",
      "",
      "apart",
      "ours MiB",
      "theirs MiB",
      "ratio",
    ],
    rows.map((row) => [
      row.workload,
      String(row.threads),
      time(row.summary?.ours ?? row.milliseconds),
      time(row.summary?.theirs),
      fixed(row.summary?.ratio),
      spread(row.summary),
      `≤ ${row.target}`,
      said(row),
      row.difference?.toExponential(0) ?? "–",
      memory(row.memory?.ours),
      memory(row.memory?.theirs),
      row.memory?.theirs === undefined ? "–" : fixed(row.memory.ours / row.memory.theirs),
    ]),
  );
}

export const checkTable = (rows: readonly CheckRow[]): string =>
  table(
    ["workload", "threads", "ours ms", "reference ms", "ratio", "quartiles", "pinned", ""],
    rows.map(({ workload, threads, summary, pinned, verdict }) => [
      workload,
      String(threads),
      time(summary.ours),
      time(summary.theirs),
      fixed(summary.ratio, 3),
      summary.quartiles.map((quartile) => fixed(quartile, 3)).join("–"),
      pinned ? `${fixed(pinned.ratio, 3)} ± ${Math.round(pinned.noise * 100)} %` : "–",
      verdict,
    ]),
  );
