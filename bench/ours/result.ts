// What our side says of a run, so that it can be compared: losses, and of each array a projection and the norm.
import { type Data, projection } from "../peers/data.ts";

/** What a workload computes; peers/problems.py says what each number is. */
export interface Result {
  readonly losses: readonly number[];
  readonly projections: Readonly<Record<string, number>>;
  /** A difference between projections counts relative to these. */
  readonly norms: Readonly<Record<string, number>>;
}

/** Arrays of numbers by name. */
export type Numbers = Readonly<Record<string, { readonly data: ArrayLike<unknown> }>>;

/** Projections of `values − from` and the norms of `values`. */
export function digest(values: Numbers, from?: Readonly<Record<string, Data>>): Omit<Result, "losses"> {
  const by = (summary: (name: string, data: Float32Array) => number) =>
    Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, summary(name, data as Float32Array)]));
  return {
    projections: by((name, data) =>
      projection(from ? Float64Array.from(data, (v, i) => v - from[name]!.data[i]!) : data),
    ),
    norms: by((_, data) => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0))),
  };
}
