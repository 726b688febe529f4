// Chains in C against plain loops of 64-bit numbers: all functions, any axes and distances, several writes, reductions.

import {
  type Access,
  type Call,
  type Chain,
  encoded,
  type FunctionName,
  functions,
  type Operand,
  type Store,
  type Write,
} from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { dice } from "./random-steps.ts";

const kernels = testKernels();

const storeOf = (size: number): Store => ({ size, depth: 1 });

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
  ...(["ifGreater", "unlessGreater"] as const),
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
  const inRows = shape.length > 0 && shape.at(-1)! <= 100 && random() < 0.4;
  for (let calls = below(random() < 0.1 ? 40 : 7); calls > 0; calls--) {
    const name = inRows && random() < 0.2 ? "sumOfRow" : safe[below(safe.length)]!;
    const operand = (): Operand =>
      random() < 0.2 ? { number: below(9) / 4 - 1 } : { register: below(reads.length + code.length) };
    // Products of products would leave what 32 bits hold.
    const operands = Array.from({ length: functions[name] }, operand);
    code.push({ name, operands });
    if (name === "sumOfRow" || name === "multiply" || name === "add" || name === "subtract")
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
        compare(kernels, [step], { begun, close: 4e-5 });
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
  });

  it.each([10, 5000])("of %i that write over what later calls and writes still take", (size) => {
    const [x, product, copy] = [storeOf(size), storeOf(size), storeOf(size)];
    const at = (store: Store): Access => ({ store, offset: 0, strides: [1] });
    const code: Call[] = [
      { name: "add", operands: [{ register: 0 }, { number: 1 }] },
      { name: "multiply", operands: [{ register: 1 }, { register: 0 }] },
    ];
    const over: Write = { ...at(x), register: 1, how: "set" };
    const begun = new Map([[x, Float32Array.from({ length: size }, (_, i) => (i % 64) - 32)]]);
    const step: Chain = { kind: "chain", shape: [size], reads: [at(x)], code, writes: [over] };
    compare(kernels, [{ ...step, writes: [over, { ...at(product), register: 2, how: "set" }] }], { begun });
    compare(kernels, [{ ...step, writes: [over, { ...at(copy), register: 0, how: "set" }] }], { begun });
  });

  it.each([
    [[63000], [1], [0]],
    [
      [63000, 4],
      [4, 1],
      [0, 1],
    ],
    [
      [4, 63000],
      [63000, 1],
      [1, 0],
    ],
    [
      [50, 300, 17],
      [5100, 17, 1],
      [17, 0, 1],
    ],
  ])("over %j sum many numbers to a millionth", (shape, strides, kept) => {
    const random = dice(shape.length);
    const [from, to] = [storeOf(shape.reduce((all, size) => all * size, 1)), storeOf(50 * 17)];
    const begun = new Map([[from, Float32Array.from({ length: from.size }, random)]]);
    const reads: Access[] = [{ store: from, offset: 0, strides }];
    const writes: Write[] = [{ store: to, offset: 0, strides: kept, register: 0, how: "sum" }];
    compare(kernels, [{ kind: "chain", shape, reads, code: [], writes }], { begun, close: 1e-6 });
  });

  it.each([5, 197, 768, 1023])("take from rows of %i their mean, and once more", (row) => {
    const [x, y, to, sums] = [storeOf(21 * row), storeOf(21), storeOf(21 * row), storeOf(21)];
    const random = dice(row);
    const begun = new Map([x, y].map((store) => [store, Float32Array.from({ length: store.size }, random)]));
    const all = (store: Store): Access => ({ store, offset: 0, strides: [row, 1] });
    const each = (store: Store): Access => ({ store, offset: 0, strides: [1, 0] });
    const code: Call[] = [
      { name: "sumOfRow", operands: [{ register: 0 }] },
      { name: "multiply", operands: [{ register: 2 }, { number: 1 / row }] },
      { name: "subtract", operands: [{ register: 0 }, { register: 3 }] },
      { name: "multiply", operands: [{ register: 4 }, { register: 4 }] },
      { name: "sumOfRow", operands: [{ register: 5 }] },
      { name: "sumOfRow", operands: [{ register: 1 }] },
      { name: "add", operands: [{ register: 6 }, { register: 7 }] },
      { name: "multiply", operands: [{ register: 8 }, { number: 1 / row }] },
      { name: "multiply", operands: [{ register: 4 }, { register: 9 }] },
    ];
    const writes: Write[] = [
      { ...all(to), register: 10, how: "set" },
      { ...each(sums), register: 4, how: "max" },
    ];
    const step: Chain = { kind: "chain", shape: [21, row], reads: [all(x), each(y)], code, writes };
    compare(kernels, [step], { begun, close: 2e-6 });
    compare(kernels, [{ ...step, writes: [{ ...all(x), register: 10, how: "set" }] }], { begun, close: 2e-6 });
  });

  it("that sum longer rows, or more of them, than there is room for are refused", () => {
    const rows = (row: number, calls: number): number => {
      const [from, to] = [storeOf(row), storeOf(row)];
      const code = Array.from({ length: calls }, (_, i): Call => ({ name: "sumOfRow", operands: [{ register: i }] }));
      const at = (store: Store): Access => ({ store, offset: 0, strides: [1] });
      const writes: Write[] = [{ ...at(to), register: calls, how: "set" }];
      return runAlone({ kind: "chain", shape: [row], reads: [at(from)], code, writes });
    };
    expect([rows(1024, 15), rows(1024, 16), rows(1025, 1)]).toEqual([0, 2, 2]);
  });

  it("with more at once than blocks have room for are refused", () => {
    const apart = (count: number): number => {
      const [from, to] = [storeOf(40), storeOf(20)];
      const reads = Array.from({ length: count }, (_, i): Access => ({ store: from, offset: i % 3, strides: [2] }));
      const writes: Write[] = [{ store: to, offset: 0, strides: [1], register: count - 1, how: "set" }];
      const step: Chain = { kind: "chain", shape: [18], reads, code: [], writes };
      return runAlone(step);
    };
    expect(apart(256)).toBe(0);
    expect(apart(257)).toBe(2);
  });
});

/** The outcome of a chain alone, whose stores all begin at 0. */
function runAlone(step: Chain): number {
  const memory = new ArrayBuffer(8192);
  const none = () => 0;
  return kernels.run(encoded([step], none, none), memory, kernels.misaligned(memory));
}

/** One function over numbers. */
function called(name: FunctionName, ...given: readonly (readonly number[])[]): Float32Array {
  const shape = [given[0]!.length];
  const out = storeOf(shape[0]!);
  const begun = new Map<Store, readonly number[]>(given.map((numbers) => [storeOf(numbers.length), numbers]));
  const reads = [...begun.keys()].map((store): Access => ({ store, offset: 0, strides: [1] }));
  const code: Call[] = [{ name, operands: reads.map((_, register) => ({ register })) }];
  const writes: Write[] = [{ store: out, offset: 0, strides: [1], register: reads.length, how: "set" }];
  const step: Chain = { kind: "chain", shape, reads, code, writes };
  return compare(kernels, [step], { begun, close: 1e-6, relative: true }).of(out);
}

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const between = (low: number, high: number, count = 4001) =>
  Array.from({ length: count }, (_, i) => Math.fround(low + ((high - low) * i) / (count - 1)));

describe("functions", () => {
  const ranges: readonly (readonly [FunctionName, readonly number[]])[] = [
    ["exp", [...between(-87.3, 88.7), ...between(-1e-3, 1e-3), -inf, inf, 100, 0, -0]],
    ["log", [...between(1e-6, 3), ...between(0.99, 1.01), ...between(1, 1e30), 1e-38, 3e-45, inf, 0, -0]],
    ["tanh", [...between(-12, 12), ...between(-0.01, 0.01), -inf, inf, 0, -0]],
    ["sigmoid", [...between(-87, 100), ...between(-1, 1), -inf, inf, 0]],
    ["erf", [...between(-5, 5), ...between(-1e-3, 1e-3), -inf, inf, 0, -0]],
    ["sqrt", [...between(0, 1e6), 1e-30, inf, 0, -0]],
    ["reciprocal", [...between(0.01, 1e6), inf, -inf, 0, -0]],
    ...(["floor", "ceil", "round", "truncate"] as const).map((name): [FunctionName, number[]] => [
      name,
      [...between(-5, 5, 81), 0.49999997, 8388607.5, -8388609, 3e38, 2 ** 31, inf, -inf, 0, -0],
    ]),
    ["sign", [...between(-2, 2, 9), inf, -inf, 0, -0]],
  ];

  it.each(ranges)("%s is right to a millionth of itself, for infinities too", (name, numbers) => {
    called(name, numbers);
  });

  it.each(["exp", "erf", "tanh"] as const)("%s is right to four units of the last place", (name) => {
    const numbers = between(-6, 6, 40_001).filter((x) => x !== 0);
    const [from, to] = [storeOf(numbers.length), storeOf(numbers.length)];
    const given = compare(kernels, [oneCall(name, from, to, [{ register: 0 }])], {
      ...{ begun: new Map([[from, numbers]]), close: 4 * 2 ** -23, relative: true },
    }).of(to);
    if (name === "erf") expect(given.at(-1)).toBe(1);
  });

  it.each([3, 7, 49, -Math.SQRT2, 0.1, 1e-20, 1e20, 1e-39, 0, inf])(
    "divided by %d is divided to the last place",
    (by) => {
      const whole = Array.from({ length: 500 }, (_, i) => Math.fround(Math.fround(by) * i));
      const numbers = [...whole, ...between(-100, 100), inf, -inf, nan, 0, -0, 3e38, 1e-30];
      const [from, to] = [storeOf(numbers.length), storeOf(numbers.length)];
      const step = oneCall("divide", from, to, [{ register: 0 }, { number: by }]);
      const given = compare(kernels, [step], { begun: new Map([[from, numbers]]), close: inf }).of(to);
      const wanted = numbers.map((number) => Math.fround(Math.fround(number) / Math.fround(by)));
      expect([...given]).toEqual(wanted);
    },
  );

  it.each(["sin", "cos"] as const)("%s is right to a millionth", (name) => {
    // Near its zeros by parts of 1: a float32 is no exact multiple of pi.
    const numbers = [...between(-30, 30), ...between(-9000, 9000, 1001), 1e6, 0, -0];
    const given = called1(name, numbers);
    for (const [i, x] of numbers.entries()) expect(Math.abs(given[i]! - Math[name](x))).toBeLessThan(1e-6);
  });

  it("of NaN are NaN, as in ONNX Runtime, and of what has no result", () => {
    const unary =
      "negative absolute sqrt reciprocal relu exp log tanh sigmoid floor ceil round truncate sign erf sin cos".split(
        " ",
      ) as FunctionName[];
    for (const name of unary) expect([name, ...called1(name, [nan, nan, 1])].slice(0, 3)).toEqual([name, nan, nan]);
    expect([...called1("log", [-1, -inf])]).toEqual([nan, nan]);
    expect([...called1("sqrt", [-1, -inf])]).toEqual([nan, nan]);
    expect([...called1("sin", [inf, -inf])]).toEqual([nan, nan]);
  });

  it("minimum and maximum let NaN through from either side", () => {
    const [a, b] = [
      [nan, 1, 2, nan],
      [1, nan, 3, nan],
    ];
    expect([...called("minimum", a, b)]).toEqual([nan, nan, 2, nan]);
    expect([...called("maximum", a, b)]).toEqual([nan, nan, 3, nan]);
  });

  it("comparisons with NaN do not hold, and it counts as true", () => {
    for (const name of ["equal", "less", "lessOrEqual", "greater", "greaterOrEqual"] as const)
      expect([...called(name, [nan, 1, nan], [1, nan, nan])]).toEqual([0, 0, 0]);
    expect([...called("where", [nan, 0, -0, 2], [1, 2, 3, 4], [5, 6, 7, 8])]).toEqual([1, 6, 7, 4]);
    expect([...called("truth", [nan, 0, -0, 2])]).toEqual([1, 0, 0, 1]);
  });

  it("power is that of C", () => {
    called("power", [2, 2.5, 9, 0, 0, -2, -2, 1.5, inf], [3, -1.5, 0.5, 0, 2, 3, -2, 10, -1]);
    const [from, to] = [storeOf(5), storeOf(5)];
    const step = oneCall("power", from, to, [{ register: 0 }, { number: 2 }]);
    compare(kernels, [step], { begun: new Map([[from, [1, -2, 3, 0.5, -0.25]]]) });
  });
});

/** One function of what a store holds. */
function oneCall(name: FunctionName, from: Store, to: Store, operands: readonly Operand[]): Chain {
  const read: Access = { store: from, offset: 0, strides: [1] };
  const write: Write = { store: to, offset: 0, strides: [1], register: 1, how: "set" };
  return { kind: "chain", shape: [from.size], reads: [read], code: [{ name, operands }], writes: [write] };
}

/** What one function of one number gives, where plain loops are no measure. */
function called1(name: FunctionName, numbers: readonly number[]): Float32Array {
  const [from, to] = [storeOf(numbers.length), storeOf(numbers.length)];
  const step = oneCall(name, from, to, [{ register: 0 }]);
  return compare(kernels, [step], { begun: new Map([[from, numbers]]), close: Number.POSITIVE_INFINITY }).of(to);
}
