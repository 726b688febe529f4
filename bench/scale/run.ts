// The command `scale`: how our time grows with each size of a workload, the others kept, and the exponent of that.
import { median, takeTurns } from "../contender.ts";
import type { OurEngine } from "../ours/engines.ts";
import { machine, type Outcome, tell } from "../outcome.ts";
import { fixed, table, time } from "../report.ts";
import { startOurs } from "../sides/list.ts";
import { makeReady, type Ready } from "../sides/ready.ts";
import { caseOf, type Sizes } from "../workloads.ts";
import { type Exponent, exponentOf } from "./fit.ts";

/** The sizes that grow. */
interface Setting {
  readonly steps: number;
  readonly ways: number;
  readonly shots: number;
  readonly tasks: number;
  readonly filters: number;
  /** Pixels a side. */
  readonly pixels: number;
  readonly threads: number;
}

const axes: Readonly<Record<keyof Setting, readonly number[]>> = {
  steps: [1, 2, 5, 10],
  ways: [2, 5, 10, 20],
  shots: [1, 2, 5, 10],
  tasks: [1, 4, 16, 64],
  filters: [16, 32, 64, 128],
  pixels: [14, 28, 56, 84],
  threads: [1, 2],
};

export type Axis = keyof Setting;
export const axisNames = Object.keys(axes) as Axis[];

export interface ScaleOptions {
  readonly axes: readonly Axis[];
  readonly engine: OurEngine;
  readonly kind: "adapt" | "meta";
  readonly runs?: number;
  /** The processor's time counts, not the clock's. */
  readonly processor: boolean;
  /** Few filters, and the first sizes alone. */
  readonly small: boolean;
  readonly json: boolean;
}

interface ScaleRow extends Exponent {
  readonly axis: Axis;
  readonly points: readonly { readonly size: number; readonly milliseconds: number }[];
}

const base: Setting = { steps: 5, ways: 5, shots: 1, tasks: 4, filters: 32, pixels: 28, threads: 1 };

/** What is not said to grow. */
const kept = (small: boolean): Setting => (small ? { ...base, filters: 4, steps: 1 } : base);

const sizesOf = (kind: ScaleOptions["kind"], { steps, ways, shots, tasks, filters, pixels }: Setting): Sizes => ({
  kind,
  network: { model: "conv4", inputShape: [pixels, pixels, 1], outputs: ways, filters, strides: [2, 2, 2, 1] },
  tasks: kind === "adapt" ? 1 : tasks,
  support: ways * shots,
  queries: kind === "adapt" ? 0 : ways * 5,
  steps,
});

/** With more threads it is the clock's time that is to be less. */
const byProcessor = (axis: Axis, { processor }: Pick<ScaleOptions, "processor">): boolean =>
  processor && axis !== "threads";

async function grow(axis: Axis, options: ScaleOptions): Promise<ScaleRow> {
  const { engine, kind, runs, small } = options;
  const sizes = small ? axes[axis].slice(0, 2) : axes[axis];
  const open: Ready[] = [];
  try {
    for (const size of sizes) {
      const setting = { ...kept(small), [axis]: size };
      const task = {
        case: { ...caseOf(sizesOf(kind, setting)), processor: byProcessor(axis, options) },
        threads: setting.threads,
        engine,
      };
      open.push(await makeReady(() => startOurs(), {}, task, 600));
    }
    const rounds = await takeTurns(
      open.map(({ contender }) => contender),
      runs,
    );
    const points = sizes.map((size, at) => ({
      size,
      milliseconds: median(rounds.flatMap((times) => times[at] ?? [])),
    }));
    return { axis, points, ...exponentOf(points.map(({ size, milliseconds }) => [size, milliseconds])) };
  } finally {
    for (const { close } of open) close();
  }
}

const pointsOf = ({ points }: ScaleRow): string =>
  points.map(({ size, milliseconds }) => `${size}: ${time(milliseconds)}`).join(", ");

export async function scale(options: ScaleOptions): Promise<Outcome> {
  const { engine, kind, small, json, processor } = options;
  const rows: ScaleRow[] = [];
  for (const axis of options.axes) {
    // A support set of one task has no further tasks.
    if (kind === "adapt" && axis === "tasks") continue;
    tell(axis);
    const row = await grow(axis, options);
    // What is found is seen at once: all axes together take many minutes.
    tell(`  ${pointsOf(row)}: exponent ${fixed(row.exponent)}`);
    rows.push(row);
  }
  if (json)
    return {
      text: JSON.stringify({ machine: machine(), engine, kind, processor, base: kept(small), rows }, null, 2),
      status: 0,
    };
  const others = Object.entries(kept(small)).map(([name, size]) => `${name} ${size}`);
  return {
    text: [
      table(
        ["of", "exponent", "± 95 %", "ms at each size"],
        rows.map((row) => [row.axis, fixed(row.exponent), fixed(row.ci95), pointsOf(row)]),
      ),
      `time = a · size^exponent${processor ? ", of the processor but for threads" : ""}; ${kind} of conv4 on ${engine}, where nothing else is said: ${others.join(", ")}; ${machine().processor}`,
    ].join("\n"),
    status: 0,
  };
}
