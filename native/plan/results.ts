// Arrays beside a program's memory. Outputs that are written once, into the arrays that callers get: copies of the large ones would take as long as much of what is
// computed. And numbers that no run changes, of files and large ones that a plan has computed, which are read where they lie.
import { sizeOf } from "@innerloop/schemas/bundle";
import { storesOf } from "./fuse/level.ts";
import { accessesOf, type Step, type Store, type View } from "./steps.ts";
import { together } from "./views.ts";

/** Places from here on are of such arrays, each of which begins at a piece (source/kernels.h). */
const firstResult = 2 ** 30;
const piece = 2 ** 18;

/** Numbers from which on an array of its own costs less than a copy. */
const large = 2 ** 15;
/** Numbers behind a store that kernels may read: behind an array there are none. */
const vector = 16;

/** Where arrays begin that are only read, by what they are of, behind the results: as many as there is room for. */
export function givenAfter<Key>(
  results: ReadonlyMap<Store, number>,
  arrays: Iterable<readonly [Key, Float32Array]>,
): ReadonlyMap<Key, number> {
  const end = Math.max(firstResult, ...[...results].map(([{ size }, at]) => at + piecesOf(size)));
  return inPieces(
    Array.from(arrays, ([key, { length }]) => [key, length] as const),
    end,
  );
}

/** Numbers of the pieces that so many have. */
const piecesOf = (numbers: number): number => Math.ceil(numbers / piece) * piece;

/** Where arrays of so many numbers begin, one after another, as far as there is room. */
function inPieces<Key>(sizes: readonly (readonly [Key, number])[], from: number): Map<Key, number> {
  const places = new Map<Key, number>();
  let end = from;
  for (const [key, size] of sizes) {
    const next = end + piecesOf(size);
    if (next > 2 * firstResult) continue;
    places.set(key, end);
    end = next;
  }
  return places;
}

/** Where each of those stores begins that are whole outputs, and that steps write without reading them. */
export function resultsOf(steps: readonly Step[], outputs: readonly View[]): ReadonlyMap<Store, number> {
  const count = new Map<Store, number>();
  for (const { store } of outputs) count.set(store, (count.get(store) ?? 0) + 1);
  const wanted = outputs.filter(
    (view) => view.store.size >= large && count.get(view.store) === 1 && view.dtype === "float32" && isWhole(view),
  );
  const { written, unfit } = metBy(steps, new Set(wanted.map(({ store }) => store)));
  const own = wanted.map(({ store }) => store).filter((store) => written.has(store) && !unfit.has(store));
  return inPieces(
    own.map((store) => [store, store.size] as const),
    firstResult,
  );
}

const isWhole = (view: View): boolean => view.offset === 0 && together(view) && sizeOf(view.shape) === view.store.size;

function metBy(steps: readonly Step[], wanted: ReadonlySet<Store>) {
  const [written, unfit] = [new Set<Store>(), new Set<Store>()];
  const walk = (list: readonly Step[]): void => {
    for (const step of list) {
      if (step.kind === "turns") {
        walk(step.body);
        continue;
      }
      const { reads, writes } = accessesOf(step);
      for (const { store } of reads) if (wanted.has(store)) unfit.add(store);
      for (const { store } of writes) if (wanted.has(store)) (onlyWrites(step) ? written : unfit).add(store);
    }
  };
  walk(steps);
  return { written, unfit };
}

/** Whether kernels read nothing of what a step writes but what they have written there, nor what lies behind it. */
function onlyWrites(step: Exclude<Step, { kind: "turns" }>): boolean {
  if (step.kind === "product") return step.n % vector === 0;
  if (step.kind === "points") return step.what === "places" && !step.beta;
  if (step.kind === "rows" || step.kind === "scatter" || step.kind === "move") return true;
  if (step.kind !== "chain" || step.writes.length > 1 || step.shape.includes(0)) return false;
  const { register, how } = step.writes[0]!;
  const isRead = step.code.some(({ operands }) =>
    operands.some((operand) => "register" in operand && operand.register === register),
  );
  return how === "set" && !isRead;
}

/** Numbers from which on the system gives an array pages of its own, which are zeros and take no room before somebody writes them. */
const paged = 2 ** 23;

/** Steps that scatter some rows into a large result leave its zeros to the system: which results are to be zeros before a run. */
export function scattered(steps: readonly Step[], results: ReadonlyMap<Store, number>) {
  const cleared = new Set<Store>();
  const changed = steps.map((step): Step => {
    if (step.kind !== "scatter" || step.base || !results.has(step.out.store)) return step;
    const { count, inner, limit, out } = step;
    const { store } = out;
    const alone = !steps.some((other) => other !== step && storesOf(other).writes.includes(store));
    if (!alone || store.size < paged || limit * inner < store.size || 2 * count * inner > store.size) return step;
    cleared.add(store);
    return { ...step, cleared: true };
  });
  return { steps: changed, cleared };
}
