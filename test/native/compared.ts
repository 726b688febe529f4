// Steps run by the kernels and in plain loops, over memories that begin alike, with room around every store that is to stay as it is.

import type { Kernels } from "@innerloop/native";
import { encoded, type Step, type Store } from "@innerloop/native/plan";
import { expect } from "vitest";
import { runSteps, storesOf } from "./reference.ts";

const guard = 16;
const untouched = 1234.5;

export interface Compared {
  /** What stores hold before; NaN in the others would show nothing, so that they hold a number that nothing gives. */
  readonly begun: ReadonlyMap<Store, ArrayLike<number>>;
  /** How far from plain loops a number may be, in parts of itself, or of 1 for smaller ones. */
  readonly close?: number;
  /** Numbers below one are not compared by parts of 1 but of themselves. */
  readonly relative?: boolean;
}

/** Compares all of the memory after steps; gives what the run gave, and what a store holds. */
export function compare(
  kernels: Kernels,
  steps: readonly Step[],
  { begun, close = 2e-6, relative = false }: Compared,
): { readonly outcome: number; of(store: Store): Float32Array } {
  const places = new Map<Store, number>();
  let end = guard;
  const place = (size: number): number => {
    const at = end;
    end += Math.ceil(size / 16) * 16 + guard;
    return at;
  };
  for (const store of storesOf(steps)) places.set(store, place(store.size));
  const tables: { readonly at: number; readonly numbers: Int32Array }[] = [];
  const words = encoded(
    steps,
    (store) => places.get(store)!,
    (numbers) => {
      tables.push({ at: place(numbers.length), numbers });
      return tables.at(-1)!.at;
    },
  );
  const buffer = new ArrayBuffer(4 * end + 64);
  const offset = kernels.misaligned(buffer);
  const memory = new Float32Array(buffer, offset, end).fill(untouched);
  for (const [store, numbers] of begun) memory.set(numbers, places.get(store)!);
  for (const { at, numbers } of tables) new Int32Array(buffer, offset, end).set(numbers, at);
  const expected = Float64Array.from(memory);
  const of = (store: Store) => expected.subarray(places.get(store)!, places.get(store)! + store.size);
  const outcome = kernels.run(words, buffer, offset);
  expect(outcome).toBe(runSteps(steps, of));
  for (let i = 0; outcome === 0 && i < end; i++) {
    const [given, wanted] = [memory[i]!, Math.fround(expected[i]!)];
    if (Object.is(given, wanted) || given === wanted) continue;
    const size = Math.abs(wanted);
    const away = Math.abs(given - expected[i]!) / (relative ? size : Math.max(1, size));
    if (!(away <= close))
      expect.fail(`at ${i}: ${given}, not ${expected[i]}, in ${JSON.stringify(steps).slice(0, 3000)}`);
  }
  return { outcome, of: (store) => memory.subarray(places.get(store)!, places.get(store)! + store.size) };
}
