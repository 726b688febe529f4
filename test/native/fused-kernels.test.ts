// Joined steps as the kernels take them, in one memory, beside the same steps one by one in 64-bit numbers.

import { coalesced, encoded, fused, placesFor, type Step, type Store } from "@innerloop/native/plan";
import { expect, test } from "vitest";
import { testKernels } from "./kernels.ts";
import { type Listed, listed } from "./random-steps.ts";
import { runSteps, stores, storesOf } from "./reference.ts";

const kernels = testKernels();

/** What the outputs hold after the kernels have run the steps. */
function run(steps: readonly Step[], { begun, outputs }: Listed): Float32Array[] {
  const fed = [...begun.keys()];
  const one = coalesced(steps, { fed, kept: outputs });
  const places = placesFor(one.steps, { fed: fed.map(one.of), kept: outputs.map(one.of) }, 0);
  const at = (store: Store): number => places.at(one.of(store))!;
  const words = encoded(one.steps, at, () => 0);
  const buffer = new ArrayBuffer(4 * (places.end + 64));
  const begin = kernels.misaligned(buffer);
  const floats = new Float32Array(buffer, begin);
  const used = new Set([...storesOf(one.steps), ...outputs.map(one.of)]);
  for (const [store, numbers] of begun) if (used.has(one.of(store))) floats.set(numbers, at(store));
  expect(kernels.run(words, buffer, begin)).toBe(0);
  return outputs.map((store) => floats.slice(at(store), at(store) + store.size));
}

test("joined steps give what they give one by one", () => {
  for (let seed = 1; seed <= 600; seed++) {
    const list = listed(seed, 4 + (seed % 24));
    const numbers = stores(list.begun);
    runSteps(list.steps, numbers);
    const results = run(
      fused(list.steps, list.outputs, (store) => list.known.get(store)),
      list,
    );
    for (const [i, store] of list.outputs.entries()) {
      const expected = Array.from(numbers(store));
      // Powers of large numbers leave what float32 holds.
      if (!expected.every((number) => Math.abs(number) < 1e6)) continue;
      const most = expected.reduce((largest, number) => Math.max(largest, Math.abs(number)), 1);
      const off = expected.reduce((worst, number, j) => Math.max(worst, Math.abs(results[i]![j]! - number)), 0);
      if (!(off <= 1e-4 * most)) expect.fail(`seed ${seed}, output ${i}: ${off} of ${most}`);
    }
  }
});
