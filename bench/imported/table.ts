// What `npm run bench -- imported` says: ratios of turns, of memory and of what is executed.
import { median, quantile } from "../contender.ts";

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
  /** The largest difference from PyTorch's numbers, or onnx-ad's, relative to the largest of these. */
  readonly apart: number;
  /** Milliseconds of each side, an entry a round. */
  readonly turns: Readonly<Record<string, readonly number[]>>;
  readonly counts: Readonly<Record<string, Counts>>;
  /** MiB that a process of each side held. */
  readonly memory: Readonly<Record<string, number>>;
  /** Why a side is not there. */
  readonly missing: Readonly<Record<string, string>>;
}

const compared: readonly (readonly [of: string, to: string])[] = [
  ["rewritten", "original"],
  ["ours input", "onnx-ad input"],
  ["ours weights", "onnx-ad weights"],
  ["ours input", "PyTorch input"],
  ["ours weights", "PyTorch weights"],
  ["ours input", "compiled input"],
  ["ours weights", "compiled weights"],
];

/** One side of a row by another, over its rounds. */
interface Comparison {
  readonly row: Row;
  readonly of: string;
  readonly to: string;
  readonly ratios: readonly number[];
}

function comparisonsOf(rows: readonly Row[]): Comparison[] {
  return rows.flatMap((row) =>
    compared.flatMap(([of, to]): Comparison[] => {
      const [ours, others] = [row.turns[of], row.turns[to]];
      if (!ours || !others) return [];
      const ratios = ours.flatMap((time, i) => (others[i] ? [time / others[i]] : []));
      return [{ row, of, to, ratios }];
    }),
  );
}

const cells = (lines: readonly (readonly (string | number)[])[]): string =>
  lines.map((line) => line.join(" | ")).join("\n");

const ratio = (a: number | undefined, b: number | undefined, digits = 2): string =>
  a === undefined || !b ? "–" : (a / b).toFixed(digits);

export function importedTable(rows: readonly Row[]): string {
  const all = comparisonsOf(rows);
  const lines = all.map(({ row: { network, batch, threads, turns, counts, memory, apart }, of, to, ratios }) => [
    ...[network, batch, threads, of, to, median(turns[of] ?? []).toFixed(2)],
    ...[median(ratios).toFixed(2), `${quantile(ratios, 0.25).toFixed(2)}–${quantile(ratios, 0.75).toFixed(2)}`],
    ...[ratio(counts[of]?.nodes, counts[to]?.nodes), ratio(counts[of]?.million, counts[to]?.million)],
    ...[ratio(counts[of]?.megabytes, counts[to]?.megabytes), ratio(memory[of], memory[to]), apart.toExponential(1)],
  ]);
  const head = [
    ...["network", "batch", "threads", "of", "to", "ms", "ratio", "quartiles"],
    ...["nodes", "products", "bytes", "memory", "apart"],
  ];
  return `${cells([head, ...lines])}\n\n${summary(all)}`;
}

/** The median and the worst of each comparison over networks and batches. */
function summary(all: readonly Comparison[]): string {
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
