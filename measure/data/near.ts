// Examples that hardly differ, found among some thousands of any size in a moment.
import type { Split } from "@innerloop/train";
import type { NearDuplicates, NearPair } from "./report.ts";

/** An example that is compared. */
export interface ComparedExample {
  readonly name: string;
  readonly label: string;
  readonly split: Split;
  /** Its numbers, made when they are asked for, so that those of all examples need not be held. */
  values(): Float32Array;
}

/**
 * Pairs below this distance are told. Drawings of one character by two people, and photographs of one thing, are at 0.5 and above; a
 * photograph that was compressed or resized anew is below 0.1.
 */
const below = 0.1;
/** Numbers that examples are compared by at first. */
const signatureSize = 64;
/** Pairs that are compared number by number, and that are kept. */
const mostVerified = 100_000;
const mostKept = 50;

/** @param shape of an example */
export function nearDuplicates(
  examples: readonly ComparedExample[],
  shape: readonly number[],
): NearDuplicates | undefined {
  if (examples.length < 2) return undefined;
  const blocks = blocksOf(shape);
  const sizes = new Float64Array(blocks.count);
  for (const block of blocks.of) sizes[block]!++;
  const size = blocks.of.length;
  const signatures = new Float64Array(examples.length * blocks.count);
  const [sums, squares] = [new Float64Array(size), new Float64Array(size)];
  examples.forEach((example, row) => {
    const values = example.values();
    for (let i = 0; i < size; i++) {
      const value = values[i]!;
      sums[i]! += value;
      squares[i]! += value * value;
      signatures[row * blocks.count + blocks.of[i]!]! += value / sizes[blocks.of[i]!]!;
    }
  });
  const n = examples.length;
  const variance = sums.reduce((total, sum, i) => total + Math.max(0, squares[i]! / n - (sum / n) ** 2), 0);
  if (!(variance > 0)) return undefined;
  const limit = below ** 2 * variance;
  const pairs: NearPair[] = [];
  const found = { pairs: 0, acrossClasses: 0, acrossSplits: 0 };
  let verified = 0;
  for (let a = 0; a < n && verified < mostVerified; a++) {
    let values: Float32Array | undefined;
    for (let b = a + 1; b < n && verified < mostVerified; b++) {
      if (leastDistance(signatures, a, b, sizes, limit) >= limit) continue;
      verified++;
      values ??= examples[a]!.values();
      const squared = distance(values, examples[b]!.values(), limit);
      if (squared >= limit) continue;
      const [one, other] = [examples[a]!, examples[b]!];
      found.pairs++;
      if (one.label !== other.label) found.acrossClasses++;
      if (one.split !== other.split) found.acrossSplits++;
      pairs.push({
        names: [one.name, other.name],
        classes: [one.label, other.label],
        splits: [one.split, other.split],
        distance: Math.sqrt(squared / variance),
      });
    }
  }
  // Those of two classes, or of two splits, do harm; they come first.
  const harm = ({ classes, splits }: NearPair) => Number(classes[0] !== classes[1]) + Number(splits[0] !== splits[1]);
  pairs.sort((a, b) => harm(b) - harm(a) || a.distance - b.distance);
  return { compared: n, below, ...found, nearest: pairs.slice(0, mostKept), more: verified >= mostVerified };
}

/**
 * Which block each number is in. Of pictures, blocks are fields; of what has an order in time, stretches.
 * The distance of two examples is at least that of their blocks' means, weighed by their sizes (Jensen's inequality), so that pairs which
 * are left out by it are not near.
 */
function blocksOf(shape: readonly number[]): { readonly of: Int32Array; readonly count: number } {
  const [first = 1, second = 1, third = 1] = shape;
  const size = shape.reduce((a, b) => a * b, 1);
  if (size <= signatureSize) return { of: Int32Array.from({ length: size }, (_, i) => i), count: size };
  const channels = shape.length === 3 ? third : 1;
  const columns = shape.length === 3 || shape.length === 2 ? second : 1;
  const across = Math.min(columns, shape.length === 3 ? 8 : 4);
  const down = Math.min(first, Math.max(1, Math.floor(signatureSize / across)));
  const of = Int32Array.from({ length: size }, (_, i) => {
    const pixel = Math.floor(i / channels);
    const [row, column] = [Math.floor(pixel / columns), pixel % columns];
    return Math.floor((row * down) / first) * across + Math.floor((column * across) / columns);
  });
  return { of, count: down * across };
}

function leastDistance(signatures: Float64Array, a: number, b: number, sizes: Float64Array, limit: number): number {
  const count = sizes.length;
  let sum = 0;
  for (let i = 0; i < count && sum < limit; i++)
    sum += sizes[i]! * (signatures[a * count + i]! - signatures[b * count + i]!) ** 2;
  return sum;
}

function distance(a: Float32Array, b: Float32Array, limit: number): number {
  let sum = 0;
  for (let i = 0; i < a.length && sum < limit; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
