// What `npm run bench -- imported` says: ratios of turns, of memory and of what is executed; and the goals that rows are held to.
import { median, quantile } from "../contender.ts";
import { type OurEngine, ourEngines } from "../ours/engines.ts";
import type { Comparison } from "../peers/report.ts";
import { fixed, saidOf, table, time } from "../report.ts";

/** What ONNX Runtime executes of a file. */
export interface Counts {
  readonly nodes: number;
  /** Multiplications of products, convolutions and recurrent networks, in millions. */
  readonly million: number;
  /** What nodes read and write. */
  readonly megabytes: number;
}

export interface Row {
  readonly network: string;
  readonly batch: number;
  readonly threads: number;
  /** The largest difference of ours on each engine from PyTorch's numbers, or onnx-ad's, relative to the largest of these. */
  readonly apart: Readonly<Partial<Record<OurEngine, number>>>;
  /** Milliseconds of each side, an entry a round. */
  readonly turns: Readonly<Record<string, readonly number[]>>;
  readonly counts: Readonly<Record<string, Counts>>;
  /** MiB that a process of each side held. */
  readonly memory: Readonly<Record<string, number>>;
  /** Why a side is not there. */
  readonly missing: Readonly<Record<string, string>>;
  /** Sides on native kernels that these refuse, so that ONNX Runtime runs them. */
  readonly refused: readonly string[];
}

/** Ours to PyTorch eager and to `torch.compile`, for value and gradient of every network. */
const goals = { eager: 0.7, compiled: 1 } as const;
const peersOf = { eager: "PyTorch", compiled: "compiled" } as const;
const kinds = ["input", "weights"] as const;

/** Value and one gradient of a row, held to the goals. */
export interface Held {
  readonly of: (typeof kinds)[number];
  readonly engine: OurEngine;
  readonly comparisons: readonly Comparison[];
}

/** Holds a row to the goals, as far as its sides are there. */
export const heldOf = ({ turns }: Pick<Row, "turns">): Held[] =>
  crossed(kinds, ourEngines).flatMap(([of, engine]) => {
    const ours = turns[on(`ours ${of}`, engine)];
    if (!ours) return [];
    const comparisons = (["eager", "compiled"] as const).map((against): Comparison => {
      const theirs = turns[`${peersOf[against]} ${of}`];
      const known = { against, goal: goals[against] };
      if (!theirs) return known;
      const ratio = median(ratiosOf(ours, theirs));
      return { ...known, peer: `${peersOf[against]} ${of}`, ratio, met: ratio <= goals[against] };
    });
    return [{ of, engine, comparisons }];
  });

const crossed = <A, B>(these: readonly A[], those: readonly B[]): [A, B][] =>
  these.flatMap((one) => those.map((other): [A, B] => [one, other]));

/** A side of ours on an engine. */
const on = (side: string, engine: OurEngine): string => (engine === "native" ? `${side} native` : side);

/** Round by round. */
const ratiosOf = (ours: readonly number[], theirs: readonly number[]): number[] =>
  ours.flatMap((one, i) => (theirs[i] ? [one / theirs[i]] : []));

/** The table of the goals. */
const goalsTable = (rows: readonly Row[]): string =>
  table(
    ["network", "batch", "threads", "gradient", "ours on", "ours ms", "÷ eager", "goal", "", "÷ compiled", "goal", ""],
    rows.flatMap((row) =>
      heldOf(row).map(({ of, engine, comparisons: [eager, compiled] }) => [
        ...[row.network, String(row.batch), String(row.threads), of, ranOn(row, on(`ours ${of}`, engine), engine)],
        time(median(row.turns[on(`ours ${of}`, engine)] ?? [])),
        ...[fixed(eager?.ratio), `≤ ${eager?.goal}`, saidOf(eager?.met)],
        ...[fixed(compiled?.ratio), `≤ ${compiled?.goal}`, saidOf(compiled?.met)],
      ]),
    ),
  );

/** The engine of a side, and who runs it where that one refuses it. */
const ranOn = ({ refused }: Row, side: string, engine: OurEngine): string =>
  refused.includes(side) ? `${engine}*` : engine;

const compared: readonly (readonly [of: string, to: string])[] = [
  ["rewritten", "original"],
  ["rewritten native", "rewritten"],
  ...(["onnx-ad", "PyTorch", "compiled"] as const).flatMap((peer) =>
    crossed(ourEngines, kinds).map(([engine, of]) => [on(`ours ${of}`, engine), `${peer} ${of}`] as const),
  ),
];

/** One side of a row by another, over its rounds. */
interface Beside {
  readonly row: Row;
  readonly of: string;
  readonly to: string;
  readonly ratios: readonly number[];
}

function besideOf(rows: readonly Row[]): Beside[] {
  return rows.flatMap((row) =>
    compared.flatMap(([of, to]): Beside[] => {
      const [ours, others] = [row.turns[of], row.turns[to]];
      return ours && others ? [{ row, of, to, ratios: ratiosOf(ours, others) }] : [];
    }),
  );
}

const cells = (lines: readonly (readonly (string | number)[])[]): string =>
  lines.map((line) => line.join(" | ")).join("\n");

const ratio = (a: number | undefined, b: number | undefined, digits = 2): string =>
  a === undefined || !b ? "–" : (a / b).toFixed(digits);

export function importedTable(rows: readonly Row[]): string {
  const all = besideOf(rows);
  const lines = all.map(({ row: { network, batch, threads, turns, counts, memory, apart }, of, to, ratios }) => [
    ...[network, batch, threads, of, to, median(turns[of] ?? []).toFixed(2)],
    ...[median(ratios).toFixed(2), `${quantile(ratios, 0.25).toFixed(2)}–${quantile(ratios, 0.75).toFixed(2)}`],
    ...[ratio(counts[of]?.nodes, counts[to]?.nodes), ratio(counts[of]?.million, counts[to]?.million)],
    ...[ratio(counts[of]?.megabytes, counts[to]?.megabytes), ratio(memory[of], memory[to])],
    apart[of.endsWith(" native") ? "native" : "onnxruntime"]?.toExponential(1) ?? "–",
  ]);
  const head = [
    ...["network", "batch", "threads", "of", "to", "ms", "ratio", "quartiles"],
    ...["nodes", "products", "bytes", "memory", "apart"],
  ];
  const marked = rows.some(({ refused }) => refused.length > 0);
  const note = "* native kernels refuse it, and ONNX Runtime runs it, as for whoever uses that engine";
  return [cells([head, ...lines]), summary(all), goalsTable(rows), ...(marked ? [note] : [])].join("\n\n");
}

/** The median and the worst of each comparison over networks and batches. */
function summary(all: readonly Beside[]): string {
  const lines = compared.flatMap(([of, to]) =>
    [...new Set(all.map(({ row }) => row.threads))].flatMap((threads) => {
      const found = all.filter((one) => one.of === of && one.to === to && one.row.threads === threads);
      if (found.length === 0) return [];
      const times = found.map(({ ratios }) => median(ratios));
      const peaks = found.flatMap(({ row: { memory } }) =>
        memory[of] !== undefined && memory[to] ? [memory[of] / memory[to]] : [],
      );
      const memory = peaks.length > 0 ? [median(peaks).toFixed(2), Math.max(...peaks).toFixed(2)] : ["–", "–"];
      return [[of, to, threads, median(times).toFixed(2), Math.max(...times).toFixed(2), ...memory]];
    }),
  );
  return cells([["of", "to", "threads", "median", "worst", "memory, median", "memory, worst"], ...lines]);
}
