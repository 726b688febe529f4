// What the comparison with peers says: rows with the goals that they are held to, and their tables.
import type { Summary } from "../contender.ts";
import type { OurEngine } from "../ours/engines.ts";
import { fixed, saidOf, spread, table, time } from "../report.ts";
import type { Side } from "../sides/list.ts";
import { type Goals, goalOf } from "../workloads.ts";

/** One peer on one workload. */
export interface PeerTimes {
  readonly peer: string;
  readonly group: Side["group"];
  /** `timed`; `unequal`: not timed, since the results differ; `missing`: it is not here, or cannot do it. */
  readonly state: "timed" | "unequal" | "missing";
  /** Why it was not timed. */
  readonly reason?: string;
  readonly version?: string;
  /** How it ran, which was the fastest of these. */
  readonly variant?: string;
  readonly variants?: Readonly<Record<string, number>>;
  /** Until its first results were there. */
  readonly seconds?: number;
  /** The largest relative difference of its results from the reference. */
  readonly difference?: number;
  /** Ours to this peer's. */
  readonly summary?: Summary;
}

/** A column of the goals: ours to PyTorch eager, and to the best of what compiles. */
export interface Comparison {
  readonly against: "eager" | "compiled";
  readonly goal: number;
  /** Whose time counts; absent where none is there. */
  readonly peer?: string;
  readonly ratio?: number;
  readonly met?: boolean;
}

/** The largest part of PyTorch's peak memory that is wanted. */
const memoryGoal = 0.6;

export interface Memory {
  readonly ours: number;
  readonly eager?: number;
  readonly ratio?: number;
  readonly goal: number;
  readonly met?: boolean;
}

export interface PeerRow {
  readonly workload: string;
  readonly title: string;
  readonly threads: number;
  /** What ours computed on and how, its median, and what its own results were apart from the reference. */
  readonly ours: {
    readonly engine: OurEngine;
    readonly way: string;
    readonly milliseconds: number;
    readonly difference: number;
    /** Beside ours on the first engine, which is stock ONNX Runtime unless that was left out. */
    readonly stock?: Summary;
  };
  readonly peers: readonly PeerTimes[];
  readonly comparisons: readonly Comparison[];
  /** The most memory that a process of each side held, in MiB. */
  readonly memory?: Memory;
}

/** Holds a row to its goals. */
export function comparisonsOf(peers: readonly PeerTimes[], goals: Goals, threads: number): Comparison[] {
  const against = (group: "eager" | "compiled", goal: number): Comparison => {
    const found = peers.flatMap(({ group: own, peer, summary }) =>
      own === group && summary ? [{ peer, ratio: summary.ratio }] : [],
    );
    const best = found.reduce<(typeof found)[number] | undefined>(
      (most, each) => (most && most.ratio >= each.ratio ? most : each),
      undefined,
    );
    return { against: group, goal, ...(best ? { ...best, met: best.ratio <= goal } : {}) };
  };
  return [against("eager", goalOf(goals.eager, threads)), against("compiled", goals.compiled)];
}

export function memoryOf(ours: number, eager: number | undefined): Memory {
  const known = { ours, goal: memoryGoal };
  return eager === undefined ? known : { ...known, eager, ratio: ours / eager, met: ours / eager <= memoryGoal };
}

/** The table of the goals. */
export const goalsTable = (rows: readonly PeerRow[]): string =>
  table(
    [
      "workload",
      "threads",
      "on",
      "ours ms",
      "÷ stock",
      "÷ eager",
      "goal",
      "",
      "÷ best compiled",
      "whose",
      "goal",
      "",
      "÷ MiB",
      "goal",
      "",
    ],
    rows.map(({ title, threads, ours, comparisons: [eager, compiled], memory }) => [
      title,
      String(threads),
      ours.engine,
      time(ours.milliseconds),
      fixed(ours.stock?.ratio),
      fixed(eager?.ratio),
      `≤ ${eager?.goal}`,
      saidOf(eager?.met),
      fixed(compiled?.ratio),
      compiled?.peer ?? "–",
      `≤ ${compiled?.goal}`,
      saidOf(compiled?.met),
      fixed(memory?.ratio),
      memory ? `≤ ${memory.goal}` : "–",
      saidOf(memory?.met),
    ]),
  );

/** Every peer on every workload. */
export const peersTable = (rows: readonly PeerRow[]): string =>
  table(
    ["workload", "threads", "ours on", "peer", "way", "ms", "ours ÷ it", "quartiles", "apart", "ready after s", ""],
    rows.flatMap(({ workload, threads, ours, peers }) =>
      peers.map(({ peer, variant, summary, difference, seconds, state, reason }) => [
        workload,
        String(threads),
        ours.engine,
        peer,
        variant ?? "–",
        time(summary?.theirs),
        fixed(summary?.ratio),
        spread(summary),
        difference?.toExponential(0) ?? "–",
        fixed(seconds, 1),
        state === "timed" ? "" : `${state}: ${reason ?? "results differ"}`,
      ]),
    ),
  );
