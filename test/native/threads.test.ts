// Instructions that several threads do in parts beside the same ones whole, bit for bit, and environments of Node that end after that.
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import {
  type Access,
  type Chain,
  encoded,
  naturalStrides,
  type Product,
  type Step,
  type Store,
  type Write,
} from "@innerloop/native/plan";
import { sizeOf } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { builtFile, testKernels } from "./kernels.ts";
import { dice } from "./random-steps.ts";

const kernels = testKernels();

/** Stores that lie one after another. */
class Memory {
  readonly #random: () => number;
  readonly #places = new Map<Store, number>();
  #end = 16;

  constructor(random: () => number) {
    this.#random = random;
  }

  store(size: number): Store {
    const store: Store = { size, depth: 1 };
    this.#places.set(store, this.#end);
    this.#end += Math.ceil((size + 16) / 16) * 16;
    return store;
  }

  array(shape: readonly number[]): Access {
    return { store: this.store(sizeOf(shape)), offset: 0, strides: naturalStrides(shape) };
  }

  /** An array of the axes of a shape that are kept, in any order of its own. */
  kept(shape: readonly number[], kept: readonly boolean[]): Access {
    const order = shape.flatMap((_, axis) => (kept[axis] ? [axis] : []));
    if (this.#random() < 0.3) order.reverse();
    const strides = shape.map(() => 0);
    let distance = 1;
    for (const axis of order.toReversed()) {
      strides[axis] = distance;
      distance *= shape[axis]!;
    }
    return { store: this.store(distance), offset: 0, strides };
  }

  /** All numbers of the memory after steps, by so many threads; the same from each call on, since what is there before is the same. */
  after(steps: readonly Step[], threads: number, outcome = 0): Buffer {
    const tables: number[] = [];
    const tablesAt = this.#end;
    const words = encoded(
      steps,
      (store) => this.#places.get(store)!,
      (table) => tablesAt + tables.push(...table) - table.length,
    );
    const buffer = new ArrayBuffer(4 * (tablesAt + tables.length + 64));
    const begin = kernels.misaligned(buffer);
    const numbers = new Float32Array(buffer, begin);
    const random = dice(1);
    for (let i = 0; i < tablesAt; i++) numbers[i] = 2 * random() - 1;
    new Int32Array(buffer, begin).set(tables, tablesAt);
    expect(kernels.run(words, buffer, begin, threads)).toBe(outcome);
    return Buffer.from(buffer, begin, 4 * tablesAt);
  }
}

type Making = (memory: Memory, below: (end: number) => number) => Step | Step[];

const chain: Making = (memory, below) => {
  const shape = [below(4), 1 + below(40), 1 + below(80), 8 + below(400)].filter((size) => size > 0);
  while (sizeOf(shape) > 400_000) shape.shift();
  const all = shape.map(() => true);
  const some = () => (below(2) ? all : shape.map(() => below(3) > 0));
  const reads = Array.from({ length: 1 + below(4) }, () => memory.kept(shape, some()));
  const names = ["add", "multiply", "maximum", "subtract"] as const;
  const code = Array.from({ length: below(6) }, (_, i) => {
    const operand = () => ({ register: below(reads.length + i) });
    return { name: names[below(4)]!, operands: [operand(), operand()] };
  });
  const writes = Array.from({ length: code.length === 0 && below(2) ? 1 : 1 + below(3) }, (_, i): Write => {
    const how = (["set", "set", "sum", "max", "min"] as const)[below(5)]!;
    const [read] = reads;
    // Over what it reads, place by place.
    if (how === "set" && i === 0 && below(3) === 0 && read!.strides.every((stride) => stride !== 0))
      return { ...read!, how, register: reads.length + code.length - 1 };
    return {
      ...memory.kept(shape, how === "set" ? all : shape.map(() => below(2) > 0)),
      ...{ how, register: below(reads.length + code.length) },
    };
  });
  return { kind: "chain", shape, reads, code, writes } satisfies Chain;
};

const product: Making = (memory, below) => {
  const size = () => [1, 3, 5, 16, 25, 64, 130, 300, 600, 1225][below(10)]!;
  let [m, n, k] = [size(), size(), size()];
  const batch = [[], [], [2], [5], [3, 7]][below(5)]!;
  while (m * n * k * sizeOf(batch) > 3e7) [m, n, k] = [Math.ceil(m / 2), Math.ceil(n / 2), Math.ceil(k / 2)];
  const matrix = (rows: number, columns: number, turned: boolean): Access => {
    const access = memory.array([...batch, ...(turned ? [columns, rows] : [rows, columns])]);
    if (!turned) return access;
    const [row, column] = access.strides.slice(-2) as [number, number];
    return { ...access, strides: [...access.strides.slice(0, -2), column, row] };
  };
  const out = memory.array([...batch, m, n]);
  const lookup = { taps: 3, segment: 16, by: below(2) ? "rows" : "columns" } as const;
  const step: Product = {
    ...{ kind: "product", batch, m, n, k, alpha: 1 + below(2), beta: 1, relu: below(2) > 0, out },
    ...{ left: matrix(m, k, below(2) > 0), right: matrix(k, n, below(2) > 0) },
    ...[{}, { added: out }, { added: matrix(m, n, below(2) > 0) }][below(3)],
  };
  if (below(3) > 0) return step;
  // Of a field of numbers for all places of the batch.
  const [rows, terms] = lookup.by === "rows" ? [m, 48] : [48, k];
  const count = lookup.by === "rows" ? m : k;
  const table = Int32Array.from({ length: 3 * count }, () => below(900) - 50);
  const strides = [...batch.map(() => 0), 0, 1];
  return {
    ...{ ...step, m: rows, k: terms, lookup: { ...lookup, table } },
    ...{ left: { store: memory.store(1000), offset: 0, strides }, right: matrix(terms, n, below(2) > 0) },
    ...{ out: memory.array([...batch, rows, n]), ...(step.added && { added: matrix(rows, n, false) }) },
  };
};

const norm: Making = (memory, below) => {
  const [rows, size, gainRows] = [1 + below(400), 1 + below(300), 1 + below(3)];
  return {
    ...{ kind: "norm", rows, size, gainRows, epsilon: 1e-5, from: memory.array([rows, size]) },
    ...{ gain: memory.array([gainRows, size]), bias: memory.array([gainRows, size]), out: memory.array([rows, size]) },
    ...{ mean: memory.array([rows]), inverse: memory.array([rows]) },
  };
};

const rowwise: Making = (memory, below) => {
  const [rows, size, what] = [
    1 + below(400),
    1 + below(300),
    (["softmax", "logSoftmax", "argmax"] as const)[below(3)]!,
  ];
  const out = memory.array(what === "argmax" ? [rows] : [rows, size]);
  return { kind: "rowwise", rows, size, what, from: memory.array([rows, size]), out };
};

const rows: Making = (memory, below) => {
  const [outer, count, inner, limit] = [1 + below(3), 1 + below(300), 1 + below(100), 1 + below(50)];
  return {
    ...{ kind: "rows", outer, count, inner, limit, from: memory.array([outer, limit, inner]) },
    ...{ table: Int32Array.from({ length: count }, () => below(2 * limit) - limit) },
    out: memory.array([outer, count, inner]),
  };
};

const scatter: Making = (memory, below) => {
  const [count, inner, limit] = [below(300), 1 + below(100), 1 + below(50)];
  return {
    ...{ kind: "scatter", how: (["set", "sum", "max", "min"] as const)[below(4)]!, count, inner, limit },
    ...{ from: memory.array([count + 1, inner]), out: memory.array([limit, inner]) },
    ...(below(2) ? { base: memory.array([limit, inner]) } : {}),
    ...{ table: Int32Array.from({ length: count }, () => below(2 * limit) - limit) },
  };
};

const windows: Making = (memory, below) => {
  const [examples, channels, height, width] = [1 + below(4), 1 + below(150), 3 + below(20), 3 + below(20)];
  const [rows, columns] = [height - 2, width - 2];
  const taps = Array.from({ length: 9 }, (_, tap) => [Math.floor(tap / 3), tap % 3, tap] as const);
  // Channels are the innermost.
  const places = (...shape: readonly number[]): Access => {
    const access = memory.array([examples, ...shape, channels]);
    return { ...access, strides: access.strides.slice(0, 3) };
  };
  const [field, out, where] = [places(height, width), places(rows, columns), places(rows, columns)];
  const weight: Access = { store: memory.store(9 * channels), offset: 0, strides: [channels] };
  const each = {
    ...({ kind: "windows", examples, channels, rows, columns, steps: [1, 1], size: [height, width], taps } as const),
    ...{ field, out },
  };
  const maxima: Step = { ...each, what: "maxima", where };
  const back: Step = { ...each, what: "back", field: places(height, width), where };
  return [
    [
      { ...each, what: "sums", weight },
      { ...each, what: "weights", weight },
    ] satisfies Step[],
    [maxima, back],
  ][below(2)]!;
};

const points: Making = (memory, below) => {
  const [examples, channels, rows, columns] = [1 + below(4), 1 + below(150), 1 + below(6), 1 + below(6)];
  const [tile, sides] = [2 + below(4), 2 + below(5)];
  const size = [rows * tile - below(2), columns * tile] as const;
  const values = memory.array([sides * sides, rows, columns, examples, channels]);
  const [point, row, column, example] = values.strides as [number, number, number, number];
  // Tiles may lie over each other where they are added.
  const beta = below(2) ? 1 : 0;
  const steps = [tile - beta, tile] as const;
  return {
    ...{ kind: "points", what: below(2) ? "points" : "places", beta, examples, channels, rows, columns, size },
    ...{ steps, first: [0, 0], tile: [tile, tile], points: [sides, sides] },
    ...{
      field: memory.array([examples, ...size, channels]),
      values: { ...values, strides: [point, example, row, column] },
    },
    ...{ down: memory.array([tile * sides]), across: memory.array([tile * sides]) },
  };
};

describe("instructions in parts", () => {
  it.each([
    ["chains", chain, 150],
    ["products", product, 120],
    ["norms", norm, 40],
    ["softmax and its like", rowwise, 40],
    ["looked-up rows", rows, 60],
    ["scattered rows", scatter, 60],
    ["windows", windows, 60],
    ["points", points, 60],
  ] as const)("%s give the same bits as whole", (_, making, count) => {
    for (let seed = 1; seed <= count; seed++) {
      const random = dice(seed);
      const memory = new Memory(random);
      const steps = [making(memory, (end) => Math.floor(random() * end))].flat();
      const whole = memory.after(steps, 1);
      for (const threads of [2, 3, 8])
        if (!whole.equals(memory.after(steps, threads)))
          expect.fail(`seed ${seed}: ${threads} threads give other numbers`);
    }
  });

  it("give the same bits of few rows that are taken turned around", () => {
    const memory = new Memory(dice(1));
    const [m, n, k] = [48, 400, 131];
    const right = { ...memory.array([n, k]), strides: [1, k] };
    const step: Step = {
      ...{ kind: "product", batch: [], m, n, k, left: memory.array([m, k]), right, out: memory.array([m, n]) },
      ...{ alpha: 1, beta: 0, relu: false },
    };
    const whole = memory.after([step], 1);
    for (const threads of [2, 3, 8]) expect(memory.after([step], threads).equals(whole)).toBe(true);
  });

  it("say what went wrong in one of them", () => {
    const memory = new Memory(dice(1));
    const [from, indices, out] = [memory.array([2, 100]), memory.array([300]), memory.array([300, 100])];
    const code = [{ name: "copy", operands: [{ number: 3 }] }] as const;
    const writes: Write[] = [{ ...indices, offset: 280, strides: [], register: 0, how: "set" }];
    const steps: Step[] = [
      { kind: "chain", shape: [], reads: [], code, writes },
      {
        kind: "rows",
        outer: 1,
        count: 300,
        inner: 100,
        limit: 2,
        from: { ...from, strides: [0, 100] },
        indices,
        out: { ...out, strides: [0, 100] },
      },
    ];
    for (const threads of [1, 2, 5]) memory.after(steps, threads, 1);
  });

  it("go on in turns, where each takes what the one before has left", () => {
    const memory = new Memory(dice(1));
    const [a, b, turn] = [memory.array([200, 200]), memory.array([200, 200]), memory.store(1)];
    const each = {
      kind: "chain",
      shape: [200, 200],
      reads: [b],
      code: [{ name: "tanh", operands: [{ register: 0 }] }],
    } as const;
    const body: Step[] = [
      {
        ...{ kind: "product", batch: [], m: 200, n: 200, k: 200, left: a, right: a, out: b },
        ...{ alpha: 1, beta: 0, relu: false },
      },
      { ...each, writes: [{ ...a, register: 1, how: "set" }] },
    ];
    const steps: Step[] = [{ kind: "turns", count: 50, turn, body }];
    expect(memory.after(steps, 3).equals(memory.after(steps, 1))).toBe(true);
  });

  // Whether they are done in parts is for the pool to say, by whether other threads are there: it differs from run to run, and within one.
  it("give the same bits of small ones, which are done in parts from some time on", () => {
    const memory = new Memory(dice(1));
    const [x, y, by, z, wide, total] = [[40, 64], [40, 64], [64, 64], [200, 64], [320, 24], [1]].map((shape) =>
      memory.array(shape),
    );
    const turn = memory.store(1);
    const over = (shape: readonly number[], from: Access, to: Access): Chain => ({
      ...{ kind: "chain", shape, reads: [from], writes: [{ ...to, register: 1, how: "set" }] },
      code: [{ name: "tanh", operands: [{ register: 0 }] }],
    });
    const body: Step[] = [
      {
        ...{ kind: "product", batch: [], m: 40, n: 64, k: 64, left: x!, right: by!, out: y! },
        ...{ alpha: 1, beta: 0, relu: false },
      },
      over([40, 64], y!, x!),
      over([200, 64], z!, z!),
      // A sum of nearly as many blocks as those have that are taken in pieces.
      {
        ...{ kind: "chain", shape: [320, 24], reads: [wide!], code: [] },
        writes: [{ ...total!, strides: [0, 0], register: 0, how: "sum" }],
      },
    ];
    const steps: Step[] = [{ kind: "turns", count: 500, turn, body }];
    const whole = memory.after(steps, 1);
    for (const threads of [2, 3, 2, 8, 2]) expect(memory.after(steps, threads).equals(whole)).toBe(true);
  });
});

/** A product of 256 rows, terms and columns, and a run of it over and over; `data.threads` do it. */
const program = `
const { parentPort, workerData } = require("node:worker_threads");
const kernels = require(workerData.file);
const buffer = new ArrayBuffer(2 ** 20 + 64);
const begin = kernels.misaligned(buffer);
const numbers = new Float32Array(buffer, begin);
for (let i = 0; i < 2 * 65536; i++) numbers[i] = ((i * 7919) % 1000) / 1000;
const code = Int32Array.of(1, 23, 0, 256, 256, 256, 0x3f800000, 0, 0, 256, 1, 65536, 256, 1, 131072, 256, -1, 0, 0, -1, 0, 0, 0);
let first;
const run = () => {
  kernels.run(code, buffer, begin, workerData.threads);
  const sum = numbers.subarray(131072, 196608).reduce((all, one) => all + one);
  first ??= sum;
  parentPort.postMessage(sum === first ? sum : NaN);
};
run();
if (workerData.goesOn) setInterval(run, 0);
`;

const threadsHere = () => readdirSync("/proc/self/task").length;

async function threadsBecome(count: number): Promise<number> {
  for (let i = 0; i < 100 && threadsHere() > count; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  return threadsHere();
}

describe.skipIf(!existsSync("/proc/self/task"))("threads", () => {
  const opened = (threads: number, goesOn: boolean) =>
    new Worker(program, { eval: true, workerData: { file: builtFile, threads, goesOn } });

  it("end with the environment that started them, however it ends", async () => {
    const before = threadsHere();
    const sums = new Set<unknown>();
    for (let i = 0; i < 40; i++) {
      const worker = opened(1 + (i % 4), i % 2 === 0);
      // Waited for from the start: where this thread is held up, the message and the end are told in one go, and who listens after the first has missed the second.
      const ended = once(worker, "exit");
      const [sum] = await once(worker, "message");
      sums.add(sum);
      if (i % 2 === 0) await worker.terminate();
      await ended;
    }
    expect(sums.size).toBe(1);
    expect(await threadsBecome(before)).toBeLessThanOrEqual(before);
  });

  it("of two environments at once stay apart", async () => {
    const workers = [opened(2, true), opened(3, true)];
    const sums = await Promise.all(
      workers.map(async (worker) => {
        const seen = new Set<unknown>();
        for (let i = 0; i < 200; i++) seen.add((await once(worker, "message"))[0]);
        return [...seen];
      }),
    );
    for (const worker of workers) await worker.terminate();
    expect(sums[0]).toHaveLength(1);
    expect(sums[1]).toEqual(sums[0]);
  });

  it("are as many as the largest number that was asked for, and none for one", async () => {
    const counted = async (threads: number) => {
      const worker = opened(threads, true);
      await once(worker, "message");
      const count = threadsHere();
      await worker.terminate();
      return count;
    };
    const one = await counted(1);
    expect(await counted(4)).toBe(one + 3);
    expect(await counted(1)).toBe(one);
  });
});
