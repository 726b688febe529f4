// A random life as it should be: calls drawn at random, and in a few lines what a user's examples and answers are after them.
import type { ClassPrediction, InnerloopError, LabelledExample } from "@innerloop/runtime";
import * as fc from "fast-check";
import { descend, prototypes } from "./oracle.ts";

export const USERS = 3;

export type BundleName = "linear" | "prototypes";
export const SIZE = { linear: 4, prototypes: 2 } as const;
export const WAYS = { linear: 3, prototypes: Number.POSITIVE_INFINITY } as const;

/** A call, with numbers that are taken modulo what there is to choose from. */
export const step = fc.record({
  kind: fc.oneof(
    { weight: 60, arbitrary: fc.constant("predict" as const) },
    { weight: 50, arbitrary: fc.constant("add" as const) },
    { weight: 60, arbitrary: fc.constantFrom("remove example", "remove label", "relabel", "undo") },
    {
      weight: 40,
      arbitrary: fc.constantFrom(
        "adapt",
        "adapt wrongly",
        "start",
        "save",
        "evaluate",
        "predict wrongly",
        "predict untaught",
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom("add wrongly", "remove wrongly", "abort", "abort later", "watch", "check"),
    },
    { weight: 1, arbitrary: fc.constant("dispose" as const) },
  ),
  user: fc.nat(USERS - 1),
  label: fc.constantFrom("a", "b", "c", "d", "__proto__"),
  count: fc.integer({ min: 1, max: 4 }),
  pick: fc.nat(1000),
  seed: fc.nat(10_000),
  /** Whether the next call waits for this one. */
  awaited: fc.boolean(),
});
export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

export interface Kept {
  readonly id: string;
  readonly label: string;
  readonly data: Float32Array;
}

/** What one user's examples should be, and what should be answered with them. */
export class Model {
  readonly bundle: BundleName;
  examples: readonly Kept[] = [];
  readonly past: (readonly Kept[])[] = [];
  /** All that the examples were since the last call that is known to be done. */
  open: (readonly Kept[])[] = [this.examples];
  next = 1;

  constructor(bundle: BundleName) {
    this.bundle = bundle;
  }

  get labels(): string[] {
    return labelsOf(this.examples);
  }

  /** Changes the examples; the code with which this has to be refused, if so. */
  change(examples: readonly Kept[]): string | undefined {
    if (labelsOf(examples).length > WAYS[this.bundle]) return "bad-input";
    this.past.push(this.examples);
    if (this.past.length > 16) this.past.shift();
    this.now(examples);
    return undefined;
  }

  undo(): boolean {
    const before = this.past.pop();
    if (before !== undefined) this.now(before);
    return before !== undefined;
  }

  now(examples: readonly Kept[]): void {
    this.examples = examples;
    this.open.push(examples);
  }

  named(examples: readonly LabelledExample[]): Kept[] {
    return examples.map(({ label, data }, index) => ({
      id: `#${this.next + index}`,
      label,
      data: data as Float32Array,
    }));
  }
}

export function labelsOf(examples: readonly Kept[]): string[] {
  return [...new Set(examples.map(({ label }) => label))];
}

/** The probabilities that a query should get; nothing where there is nothing to tell apart. */
export function expected(
  bundle: BundleName,
  examples: readonly Kept[],
  query: Float32Array,
): [string, number][] | undefined {
  const labels = labelsOf(examples);
  if (labels.length < 2) return undefined;
  const x = examples.map(({ data }) => data);
  const y = examples.map(({ label }) => labels.indexOf(label));
  const fitted = bundle === "linear" ? descend(x, y, labels.length, 5) : prototypes(x, y, labels.length);
  return fitted.predict(query).map((probability, index) => [labels[index]!, probability]);
}

/** Whether an answer is the one that is wanted. */
export function matches(actual: ClassPrediction | InnerloopError, wanted: [string, number][] | undefined): boolean {
  if (wanted === undefined) return "code" in actual && actual.code === "not-adapted";
  if ("code" in actual) return false;
  const given = Object.entries(actual.probabilities);
  return (
    given.length === wanted.length &&
    given.every(([label, value], index) => label === wanted[index]![0] && Math.abs(value - wanted[index]![1]) < 1e-5)
  );
}

/** The bundle that a user learns with. */
export function bundleOf(user: number): BundleName {
  return user % 2 === 0 ? "linear" : "prototypes";
}
