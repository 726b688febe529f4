// The data of a peer's workload, made from its seed exactly as problems.py makes it: both sides time the same problem.
import { sizeOf } from "@innerloop/schemas/bundle";

export interface Data {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Enough of a workload to make its data, given the parameters' shapes. */
export interface WorkloadCase {
  readonly network: { readonly model: string; readonly inputShape: readonly number[]; readonly outputs: number };
  readonly seed: number;
  readonly tasks: number;
  /** Examples a task. */
  readonly support: number;
  readonly queries: number;
  readonly steps: number;
  /** By parameter. */
  readonly rates: Readonly<Record<string, number>>;
  /** Where inner rates that are parameters (`rate/…`) start. */
  readonly innerRate?: number;
}

/** `y` holds the class number of each example, or a regression's targets `[n, outputs]`. */
export interface WorkloadBatch {
  readonly x: Data;
  readonly y: Data | Int32Array;
}

export interface WorkloadData {
  readonly parameters: Readonly<Record<string, Data>>;
  readonly tasks: readonly { readonly support: WorkloadBatch; readonly query: WorkloadBatch }[];
}

/** state ← (1664525·state + 1013904223) mod 2³²; values state/2³²·2 − 1, in [−1, 1). */
function* stream(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield (state / 2 ** 32) * 2 - 1;
  }
}

/**
 * Parameters in the order given (weights scaled by √(2 / fan-in), gains 1 + value/10, biases value/10), then task by task
 * support x, support y, query x, query y; labels are not drawn, example i has i mod ways.
 * @param shapes names and shapes in the order of the network's layers: `[kh, kw, in, out]`, `[in, out]`, `[channels]`
 */
export function workloadData(
  workload: WorkloadCase,
  shapes: Iterable<readonly [name: string, shape: readonly number[]]>,
): WorkloadData {
  const values = stream(workload.seed);
  const draw = (shape: readonly number[], scale = 1, offset = 0): Data => ({
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, () => offset + scale * values.next().value),
  });
  const parameters: Record<string, Data> = {};
  for (const [name, shape] of shapes) {
    if (name.startsWith("rate/")) parameters[name] = { shape, data: Float32Array.of(workload.innerRate!) };
    else if (name.endsWith(".weight")) parameters[name] = draw(shape, Math.sqrt(2 / sizeOf(shape.slice(0, -1))));
    else parameters[name] = draw(shape, 0.1, name.endsWith(".gain") ? 1 : 0);
  }
  const { model, inputShape, outputs } = workload.network;
  const batch = (count: number): WorkloadBatch => ({
    x: draw([count, ...inputShape]),
    y: model === "mlp" ? draw([count, outputs]) : Int32Array.from({ length: count }, (_, index) => index % outputs),
  });
  const tasks = Array.from({ length: workload.tasks }, () => {
    const support = batch(workload.support);
    return { support, query: batch(workload.queries) };
  });
  return { parameters, tasks };
}

/** The dot product of `values` with the vector of seed 1, as a peer projects its results. */
export function projection(values: ArrayLike<number>): number {
  const vector = stream(1);
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]! * vector.next().value;
  return sum;
}
