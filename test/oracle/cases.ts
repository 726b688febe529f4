// The recorded cases: their data, made here from a seed exactly as record.py makes it, and PyTorch's numbers for them.

import { randomNumbers } from "../support/numbers.ts";
import { readFamilies } from "../support/recorded.ts";
import { parameterShapes } from "./network.ts";
import type { Array64, Arrays, InnerLoop, NetworkSpec, Task } from "./types.ts";

/** What is recorded of an array. */
export interface Digest {
  readonly sum: number;
  /** L2 */
  readonly norm: number;
  /** With the vector of the stream with seed 1. */
  readonly dot: number;
  /** At the indices of `sampleIndices`. */
  readonly entries: readonly number[];
}

/** What is recorded of an array in float32: no entries but how good they are. */
export interface SingleDigest extends Omit<Digest, "entries"> {
  /** The largest difference from float64, relative to the largest float64 entry: PyTorch's own error, a yardstick. */
  readonly error: number;
}

type ByName<T> = Readonly<Record<string, T>>;

/** What PyTorch computed in one precision. */
export interface Recording<T> {
  /** Per task, before each step and after the last. */
  readonly supportLosses: readonly (readonly number[])[];
  /** Per task, at θ'. */
  readonly queryLosses: readonly number[];
  readonly metaLoss: number;
  /** Per task, of the parameters that adapt. */
  readonly adapted: readonly ByName<T>[];
  readonly firstOrder: ByName<T>;
  readonly secondOrder: ByName<T>;
  /** The meta-loss's derivative for each rate, second order. */
  readonly rateGradient: ByName<number>;
}

export interface RecordedCase {
  readonly name: string;
  readonly network: NetworkSpec;
  readonly seed: number;
  readonly tasks: number;
  /** Examples a task. */
  readonly support: number;
  readonly queries: number;
  readonly steps: number;
  readonly rates: ByName<number>;
  /** The distance to the nearest kink on the way, see `Evaluation.margin`; null where there is none. */
  readonly margin: number | null;
  readonly float64: Recording<Digest>;
  readonly float32: Recording<SingleDigest>;
}

/** A case's data: every value is one that float32 holds, so that both precisions start from the same numbers. */
export interface CaseData {
  readonly parameters: Arrays;
  readonly tasks: readonly Task[];
  readonly inner: InnerLoop;
}

/** The linear congruential generator of record.py: state ← (1664525·state + 1013904223) mod 2³², value = state/2³²·2 − 1. */
export class Stream {
  /** The next value in [−1, 1). */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = randomNumbers(seed);
  }

  /** An array of `offset + scale·value`, each rounded to float32. */
  array(shape: readonly number[], scale = 1, offset = 0): Array64 {
    const size = shape.reduce((total, extent) => total * extent, 1);
    return { shape, data: Float64Array.from({ length: size }, () => Math.fround(offset + scale * this.next())) };
  }

  /** An array of values as they come, not rounded: the vector of a digest's dot product. */
  vector(shape: readonly number[]): Array64 {
    const size = shape.reduce((total, extent) => total * extent, 1);
    return { shape, data: Float64Array.from({ length: size }, () => this.next()) };
  }
}

/**
 * Draws the data of a case from one stream: the parameters in order (weights scaled by √(2 / fan-in), gains 1 + value/10,
 * biases value/10), then task by task support x, support y, query x, query y. Labels are not drawn: example i has i mod ways.
 */
export function caseData(recorded: Omit<RecordedCase, "name" | "margin" | "float32" | "float64">): CaseData {
  const { network } = recorded;
  const stream = new Stream(recorded.seed);
  const parameters: Record<string, Array64> = {};
  for (const [name, shape] of parameterShapes(network)) {
    const fanIn = shape.slice(0, -1).reduce((total, extent) => total * extent, 1);
    if (name.endsWith(".weight")) parameters[name] = stream.array(shape, Math.sqrt(2 / fanIn));
    else parameters[name] = stream.array(shape, 0.1, name.endsWith(".gain") ? 1 : 0);
  }
  const batch = (count: number) => ({
    x: stream.array([count, ...network.inputShape]),
    y:
      network.model === "mlp"
        ? stream.array([count, network.outputs])
        : { shape: [count], data: Float64Array.from({ length: count }, (_, index) => index % network.outputs) },
  });
  const tasks = Array.from({ length: recorded.tasks }, () => {
    const support = batch(recorded.support);
    return { support, query: batch(recorded.queries) };
  });
  return { parameters, tasks, inner: { steps: recorded.steps, rates: recorded.rates } };
}

/** The indices whose values are recorded: 16 spread evenly, or all of fewer. */
function sampleIndices(size: number): number[] {
  const count = Math.min(16, size);
  return Array.from({ length: count }, (_, index) => Math.floor((index * size) / count));
}

/** What record.py records of an array. */
export function digest(values: ArrayLike<number>): Digest {
  const stream = new Stream(1);
  let [sum, squares, dot] = [0, 0, 0];
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    sum += value;
    squares += value * value;
    dot += value * stream.next();
  }
  return { sum, norm: Math.sqrt(squares), dot, entries: sampleIndices(values.length).map((index) => values[index]!) };
}

/**
 * How far `values` are from a recorded digest: the largest difference of an entry, of the norm, and of sum and dot
 * (which may cancel, so their differences count by √size), relative to the root mean square of the recorded array.
 */
export function distance(values: ArrayLike<number>, recorded: Digest): number {
  const own = digest(values);
  const root = Math.sqrt(values.length);
  const differences = [own.sum - recorded.sum, own.norm - recorded.norm, own.dot - recorded.dot].map(
    (difference) => difference / root,
  );
  differences.push(...own.entries.map((entry, index) => entry - recorded.entries[index]!));
  return Math.max(...differences.map(Math.abs)) / (recorded.norm / root);
}

/** The cases of plain inner loops. */
export const recordedCases = (): RecordedCase[] =>
  Object.values(readFamilies<{ readonly cases: RecordedCase[] }>("oracle/recorded/plain")).flatMap(
    ({ cases }) => cases,
  );
