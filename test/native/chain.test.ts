// Chains in C against plain loops of 64-bit numbers: all functions, any axes and distances, several writes, reductions.
import { beforeAll, describe, expect, it } from "vitest";
import type { Kernels } from "../../native/addon.ts";
import { encoded } from "../../native/plan/encode.ts";
import {
  type Access,
  type Call,
  type Chain,
  type FunctionName,
  functions,
  type Operand,
  type Store,
  type Write,
} from "../../native/plan/steps.ts";
import { testKernels } from "./kernels.ts";
import { dice } from "./random-steps.ts";
import { runSteps } from "./reference.ts";

let kernels: Kernels;
beforeAll(async () => {
  kernels = await testKernels();
});

/** Numbers of room around what is read and written, which is to stay as it was. */
const guard = 16;
const untouched = 1234.5;

/** Runs a chain over one memory in C and in plain loops, and compares all of the memory. */
function compare(step: Chain, begun: ReadonlyMap<Store, Float32Array>, close = 2e-6): void {
  const places = new Map<Store, number>();
  let end = guard;
  for (const { store } of [...step.reads, ...step.writes])
    if (!places.has(store)) {
      places.set(store, end);
      end += Math.ceil(store.size / 16) * 16 + guard;
    }
  const buffer = new ArrayBuffer(4 * end + 64);
  const offset = kernels.misaligned(buffer);
  const memory = new Float32Array(buffer, offset, end).fill(untouched);
  for (const [store, numbers] of begun) memory.set(numbers, places.get(store)!);
  const expected = Float64Array.from(memory);
  const words = encoded(
    [step],
    (store) => places.get(store)!,
    () => 0,
  );
  expect(kernels.run(words, buffer, offset)).toBe(0);
  const numbers = (store: Store) => expected.subarray(places.get(store)!, places.get(store)! + store.size);
  expect(runSteps([step], numbers)).toBe(0);
  for (let i = 0; i < end; i++) {
    const [given, wanted] = [memory[i]!, Math.fround(expected[i]!)];
    if (Object.is(given, wanted) || given === wanted) continue;
    const away = Math.abs(given - expected[i]!) / Math.max(1, Math.abs(wanted));
    if (!(away <= close)) expect.fail(`at ${i}: ${given}, not ${wanted}, in ${JSON.stringify(step)}`);
  }
}

const storeOf = (size: number): Store => ({ size, depth: 1 });
const compact = (shape: readonly number[]): number[] =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((all, size) => all * size, 1));

/** An array of the axes of `shape` that are kept, in any order of its own, perhaps with room between its numbers. */
function access(random: () => number, shape: readonly number[], kept: readonly boolean[]): Access {
  const below = (end: number) => Math.floor(random() * end);
  const order = shape.flatMap((_, axis) => (kept[axis] ? [axis] : []));
  if (random() < 0.4) order.sort(() => random() - 0.5);
  const strides = shape.map(() => 0);
  let distance = random() < 0.15 ? 2 : 1;
  for (const axis of order.toReversed()) {
    strides[axis] = distance;
    distance *= shape[axis]!;
    if (random() < 0.15) distance += 1 + below(3);
  }
  const offset = random() < 0.3 ? below(20) : 0;
  return { store: storeOf(offset + distance), offset, strides };
}

const safe: readonly FunctionName[] = [
  ...(["copy", "add", "subtract", "multiply", "minimum", "maximum", "less", "greaterOrEqual", "where"] as const),
  ...(["negative", "absolute", "relu", "tanh", "sigmoid", "truth", "not", "sign", "erf", "sin", "cos"] as const),
];

function randomChain(seed: number): { readonly step: Chain; readonly begun: Map<Store, Float32Array> } {
  const random = dice(seed);
  const below = (end: number) => Math.floor(random() * end);
  const sizes = [1, 2, 3, 5, 7, 8, 16, 17, 33, 64, 100, 250, 1030, 2100];
  const shape: number[] = [];
  let places = 1;
  for (let rank = below(6); rank >= 0; rank--) {
    const size = sizes[below(sizes.length)]!;
    if (places * size > 20000) continue;
    places *= size;
    shape.push(size);
  }
  const all = shape.map(() => true);
  const some = () => (random() < 0.5 ? all : shape.map(() => random() < 0.6));
  const begun = new Map<Store, Float32Array>();
  const reads = Array.from({ length: 1 + below(random() < 0.1 ? 20 : 4) }, () => {
    const read = access(random, shape, some());
    begun.set(
      read.store,
      Float32Array.from({ length: read.store.size }, () => below(65) / 16 - 2),
    );
    return read;
  });
  const code: Call[] = [];
  for (let calls = below(random() < 0.1 ? 40 : 7); calls > 0; calls--) {
    const name = safe[below(safe.length)]!;
    const operand = (): Operand =>
      random() < 0.2 ? { number: below(9) / 4 - 1 } : { register: below(reads.length + code.length) };
    // Products of products would leave what 32 bits hold.
    const operands = Array.from({ length: functions[name] }, operand);
    code.push({ name, operands });
    if (name === "multiply" || name === "add" || name === "subtract")
      code.push({ name: "tanh", operands: [{ register: reads.length + code.length - 1 }] });
  }
  const hows = ["sum", "max", "min"] as const;
  const writes = Array.from({ length: 1 + below(3) }, (): Write => {
    const register = random() < 0.6 ? reads.length + code.length - 1 : below(reads.length + code.length);
    const how = random() < 0.5 ? "set" : hows[below(3)]!;
    const kept = how === "set" ? all : shape.map(() => random() < 0.5);
    return { ...access(random, shape, kept), register, how };
  });
  // A chain may write where it reads, place by place.
  for (const [i, { how }] of writes.entries()) {
    const over = reads[below(reads.length)]!;
    const once = over.strides.every((stride, axis) => stride !== 0 || shape[axis] === 1);
    const taken = writes.some(({ store }) => store === over.store);
    if (how === "set" && once && !taken && random() < 0.5) writes[i] = { ...writes[i]!, ...over };
  }
  return { step: { kind: "chain", shape, reads, code, writes }, begun };
}

describe("chains", () => {
  it("are what plain loops give, whatever their axes, distances, functions and writes", () => {
    // A sum of many numbers near each other is compared by its own size.
    for (let seed = 0; seed < Number(process.env.CHAINS ?? 300); seed++) {
      const { step, begun } = randomChain(seed);
      try {
        compare(step, begun, 4e-5);
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
  });
});
