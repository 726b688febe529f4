// Programs of steps by chance, turns in turns among them, and how they come out of one memory.

import type { Kernels } from "@innerloop/native";
import {
  type Access,
  type Chain,
  encoded,
  type FunctionName,
  naturalStrides,
  placesFor,
  type Step,
  type Store,
  type Write,
} from "@innerloop/native/plan";
import { sizeOf } from "@innerloop/schemas";
import fc from "fast-check";
import { runSteps, stores, storesOf } from "./reference.ts";
import { plainKernels } from "./words.ts";

/** A store of a run. */
export const storeOf = (size: number, depth = 1): Store => ({ size, depth });

export const whole = (store: Store, shape: readonly number[]): Access => ({
  store,
  offset: 0,
  strides: naturalStrides(shape),
});

/** A chain that copies. */
export const copied = (shape: readonly number[], from: Access, to: Access): Chain => ({
  ...{ kind: "chain", shape, reads: [from], code: [] },
  writes: [{ ...to, register: 0, how: "set" }],
});

/** A chain of one function. */
export function call(name: FunctionName, shape: readonly number[], reads: readonly Access[], to: Access): Chain {
  const operands = reads.map((_, register) => ({ register }));
  const writes: Write[] = [{ ...to, register: reads.length, how: "set" }];
  return { kind: "chain", shape, reads, code: [{ name, operands }], writes };
}

export interface Program {
  readonly steps: readonly Step[];
  /** Stores that are fed, with their numbers. */
  readonly fed: ReadonlyMap<Store, readonly number[]>;
  readonly kept: readonly Store[];
}

/** What a program is made of: the shape of its matrices, and as many choices as it takes. */
interface Making {
  readonly shape: readonly [height: number, width: number];
  choose(count: number): number;
}

/** Programs whose stores are matrices of one shape, read as they are, transposed or row by row, with turns that hand on, read and write moving slices. */
export const programsOf = (...shape: Making["shape"]): fc.Arbitrary<Program> =>
  fc.array(fc.nat(2 ** 20), { minLength: 40, maxLength: 200 }).map((choices) => {
    let next = 0;
    const choose = (count: number): number => (choices[next++ % choices.length]! + next) % count;
    const size = sizeOf(shape);
    const fed = new Map<Store, number[]>();
    for (let i = 0; i < 3; i++)
      fed.set(
        storeOf(size),
        Array.from({ length: size }, () => choose(17) / 8 - 1),
      );
    const steps: Step[] = [];
    const known = [...fed.keys()];
    grow(steps, known, 4 + choose(6), 1, { shape, choose });
    const kept = [known.at(-1)!, known[choose(known.length)]!];
    return { steps, fed, kept };
  });

/** Those of small ones. */
export const programs = programsOf(3, 5);

function readOf(store: Store, { shape, choose }: Making): Access {
  const [height, width] = shape;
  const kinds: readonly Access[] = [
    whole(store, shape),
    whole(store, shape),
    { store, offset: 0, strides: [1, height] },
    { store, offset: width * choose(height), strides: [0, 1] },
    { store, offset: (height - 1) * width, strides: [-width, 1] },
  ];
  return kinds[choose(kinds.length)]!;
}

function grow(steps: Step[], known: Store[], count: number, depth: number, making: Making): void {
  const { shape, choose } = making;
  const [height] = shape;
  for (let i = 0; i < count; i++) {
    const kind = choose(depth < 3 ? 8 : 6);
    const any = () => readOf(known[choose(known.length)]!, making);
    if (kind >= 6) known.push(...turns(steps, known, depth, making));
    else {
      const to = storeOf(sizeOf(shape), depth);
      if (kind === 5) steps.push(...summed(any(), to, shape));
      else if (kind === 4) steps.push(call("sigmoid", shape, [any()], { store: to, offset: 0, strides: [1, height] }));
      else steps.push(call(kind > 1 ? "minimum" : "subtract", shape, [any(), any()], whole(to, shape)));
      known.push(to);
    }
  }
}

/** Sums of rows, repeated. */
function summed(from: Access, to: Store, shape: Making["shape"]): Step[] {
  const sums = storeOf(shape[0], to.depth);
  const write: Write = { store: sums, offset: 0, strides: [1, 0], register: 0, how: "sum" };
  return [
    { kind: "chain", shape, reads: [from], code: [], writes: [write] },
    call("tanh", shape, [{ store: sums, offset: 0, strides: [1, 0] }], whole(to, shape)),
  ];
}

/** Turns that hand on a matrix, read a row of another one that moves, and write rows of a third. Gives what can be read after. */
function turns(steps: Step[], known: readonly Store[], depth: number, making: Making): Store[] {
  const { shape, choose } = making;
  const [height, width] = shape;
  const size = height * width;
  const [turn, carried, row] = [storeOf(1, depth + 1), storeOf(size, depth + 1), storeOf(width, depth + 1)];
  const rows = storeOf(size, depth);
  const [start, moved] = [known[choose(known.length)]!, known[choose(known.length)]!];
  steps.push(copied(shape, whole(start, shape), whole(carried, shape)));
  const body: Step[] = [];
  body.push({
    kind: "move",
    size: width,
    from: whole(moved, []),
    fromStep: width,
    to: whole(row, []),
    toStep: 0,
    turn,
  });
  const step = storeOf(size, depth + 1);
  body.push(
    call("add", shape, [whole(carried, shape), { store: row, offset: 0, strides: [0, 1] }], whole(step, shape)),
  );
  const inside = [...known, carried, step];
  grow(body, inside, 1 + choose(3), depth + 1, making);
  const made = inside.at(-1)!;
  const back = choose(2) === 1;
  const states = storeOf(height * size, depth);
  const keeps = choose(2) === 1;
  if (keeps) {
    const to = { store: states, offset: back ? (height - 1) * size : 0, strides: [] };
    const by = back ? -size : size;
    body.push({ kind: "move", size, from: whole(carried, []), fromStep: 0, to, toStep: by, turn });
  }
  body.push({
    ...{
      kind: "move",
      size: width,
      from: whole(made, []),
      fromStep: 0,
      to: { store: rows, offset: back ? (height - 1) * width : 0, strides: [] },
    },
    ...{ toStep: back ? -width : width, turn },
  });
  body.push(copied(shape, whole(made, shape), whole(carried, shape)));
  steps.push({ kind: "turns", count: height, turn, body });
  if (!keeps) return [carried, rows];
  const seen = storeOf(size, depth);
  const state = { store: states, offset: choose(height) * size, strides: naturalStrides(shape) };
  steps.push(call("subtract", shape, [whole(carried, shape), state], whole(seen, shape)));
  return [carried, rows, seen];
}

/** What stores that are kept hold after steps that have every store apart, of 32 bits a number as in a memory. */
export function separately({ steps, fed, kept }: Program): number[][] {
  const numbers = stores(fed, Float32Array);
  runSteps(steps, numbers);
  return kept.map((store) => Array.from(numbers(store)));
}

/** The same of words in one memory, where stores may have the places of others. */
export function inOneMemory(program: Program, kernels: Kernels = plainKernels): number[][] {
  const { steps, fed, kept } = program;
  return inPlaces(program, placesFor(steps, { fed: [...fed.keys()], kept }, 32), kernels);
}

/** With every third array that a step makes copied several times into one that is kept. */
export function withResults(program: Program): { program: Program; results: Store[] } {
  const results: Store[] = [];
  const steps = program.steps.flatMap((step, i): Step[] => {
    if (i % 3 > 0 || step.kind !== "chain") return [step];
    const [{ store }] = step.writes as [Write];
    const result = storeOf(4 * store.size);
    results.push(result);
    const [from, to] = [{ store, offset: 0, strides: [0, 1] }, whole(result, [4, store.size])];
    return [step, copied([4, store.size], from, to)];
  });
  return { program: { ...program, steps, kept: [...program.kept, ...results] }, results };
}

/** Out of one memory at whose end results lie, where others may lie until these are written; and how many do. */
export function inResults(program: Program, results: readonly Store[]): { numbers: number[][]; inside: number } {
  const { steps, fed, kept } = program;
  const far = 2 ** 16;
  let end = far;
  const elsewhere = new Map<Store, number>();
  for (const store of results) {
    elsewhere.set(store, end);
    end += Math.ceil(store.size / 16) * 16;
  }
  const worth = { far: 0, large: 1, room: 1 };
  const places = placesFor(steps, { fed: [...fed.keys()], kept, elsewhere, worth }, 32);
  const inside = [...storesOf(steps)].filter((store) => (places.at(store) ?? 0) >= far);
  const at = (store: Store) => elsewhere.get(store) ?? places.at(store);
  return { numbers: inPlaces(program, { at, end }, plainKernels), inside: inside.length };
}

/** The same where every store has its own place in it. */
export function inPlacesApart(program: Program, kernels: Kernels): number[][] {
  const places = new Map<Store, number>();
  let end = 32;
  for (const store of [...storesOf(program.steps), ...program.fed.keys(), ...program.kept]) {
    if (places.has(store)) continue;
    places.set(store, end);
    end += Math.ceil(store.size / 16) * 16 + 16;
  }
  return inPlaces(program, { at: (store) => places.get(store), end }, kernels);
}

function inPlaces({ steps, fed, kept }: Program, places: ReturnType<typeof placesFor>, kernels: Kernels): number[][] {
  const tables: number[] = [];
  const table = (numbers: Int32Array): number => places.end + tables.push(...numbers) - numbers.length;
  const words = encoded(steps, (store) => places.at(store)!, table);
  const size = places.end + tables.length;
  const memory = new ArrayBuffer(4 * size + 64);
  const begin = kernels.misaligned(memory);
  const floats = new Float32Array(memory, begin, size).fill(Number.NaN);
  new Int32Array(memory, begin + 4 * places.end).set(tables);
  for (const [store, numbers] of fed) floats.set(numbers, places.at(store));
  const wrong = kernels.run(words, memory, begin);
  if (wrong !== 0) throw new Error(`a run gave ${wrong}`);
  return kept.map((store) => Array.from(floats.subarray(places.at(store), places.at(store)! + store.size)));
}
