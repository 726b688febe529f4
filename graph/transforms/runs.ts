// Rows of an axis as runs, one after another: what of an array is read. Sizes may be open, and so may where a run begins.
import { addDims, type Dim, multiplyDims, termsOf } from "../core/dims.ts";

/** The rows from one up to another, which is not among them. */
export type Run = readonly [start: Dim, end: Dim];
export type Runs = readonly Run[];

/** The most runs of an axis that are told apart. */
export const mostRuns = 256;

const less = (a: Dim, b: Dim): Dim => addDims(a, multiplyDims(b, -1));

/** Whether a is b or more whatever the open sizes are; false as well where nothing tells. */
const isAtLeast = (a: Dim, b: Dim): boolean =>
  typeof a === "number" && typeof b === "number" ? a >= b : termsOf(less(a, b)).every(([factor]) => factor >= 0);

/** How many rows runs have. */
export const lengthOf = (runs: Runs): Dim => runs.reduce<Dim>((sum, [start, end]) => addDims(sum, less(end, start)), 0);

export const shifted = (runs: Runs, by: Dim): Runs =>
  runs.map(([start, end]): Run => [addDims(start, by), addDims(end, by)]);

/** Two runs as one, where they overlap or touch for any sizes. */
function united(a: Run, b: Run): Run | undefined {
  if (a[1] === b[0]) return [a[0], b[1]];
  if (b[1] === a[0]) return [b[0], a[1]];
  const [first, second] = isAtLeast(b[0], a[0]) ? [a, b] : [b, a];
  if (!isAtLeast(second[0], first[0]) || !isAtLeast(first[1], second[0])) return undefined;
  if (isAtLeast(first[1], second[1])) return first;
  return isAtLeast(second[1], first[1]) ? [first[0], second[1]] : undefined;
}

/** The same rows, each once as far as anything tells, those whose places are known in their order. */
export function merged(runs: Runs): Runs {
  const isKnown = ([start, end]: Run): boolean => typeof start === "number" && typeof end === "number";
  const known = runs.filter(isKnown).sort(([a], [b]) => Number(a) - Number(b));
  const found: Run[] = [];
  for (const run of [...known, ...runs.filter((other) => !isKnown(other))]) {
    if (run[0] === run[1]) continue;
    let all = run;
    for (let i = found.length - 1; i >= 0; i--) {
      const one = united(found[i]!, all);
      if (one) {
        all = one;
        found.splice(i, 1);
      } else if (isKnown(all)) break;
    }
    found.push(all);
  }
  return found;
}

/** What either reads; undefined where that is in more pieces than are told apart. */
export function joined(a: Runs, b: Runs): Runs | undefined {
  if (a === b) return a;
  const runs = merged([...a, ...b]);
  return runs.length > mostRuns ? undefined : runs;
}

/** What of some runs lies in one, counted from its start; undefined where nothing tells. */
export function within(runs: Runs, [from, to]: Run): Runs | undefined {
  const found: Run[] = [];
  for (const [start, end] of runs) {
    if (![start, end, from, to].every((dim) => typeof dim === "number")) return undefined;
    const [low, high] = [Math.max(Number(start), Number(from)), Math.min(Number(end), Number(to))];
    if (low < high) found.push([low - Number(from), high - Number(from)]);
  }
  return found;
}

/** Where a run that is among some lies when these are put one after another. @throws Error where it is not among them */
export function placeOf(run: Run, among: Runs): Run {
  let before: Dim = 0;
  for (const other of among) {
    if (isAtLeast(run[0], other[0]) && isAtLeast(other[1], run[1])) {
      const start = addDims(before, less(run[0], other[0]));
      return [start, addDims(start, less(run[1], run[0]))];
    }
    before = addDims(before, less(other[1], other[0]));
  }
  throw new Error(`The rows ${run[0]} to ${run[1]} are not among those that are there.`);
}
