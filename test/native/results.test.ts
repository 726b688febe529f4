// Large outputs, which steps write into the arrays that a run gives.
import { type KeptPrograms, NativeModel } from "@innerloop/native";
import { layoutOf, planFor, readGraph } from "@innerloop/native/plan";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { testKernels } from "./kernels.ts";
import { type GraphOf, modelOf, usual } from "./models.ts";

const kernels = testKernels();

/** As many rows and columns as make an array that is worth its own. */
const [rows, terms, columns] = [320, 24, 304];

const graph: GraphOf = {
  inputs: { x: ["float32", rows, terms], w: ["float32", terms, columns], u: ["float32", rows, columns] },
  outputs: ["alone", "flipped", "product", "half", "turned", "small", "again"],
  initializers: { two: { dtype: "float32", shape: [], data: Float32Array.of(2) } },
  nodes: [
    ["Gemm", ["w", "x"], ["alone"], { transA: 1, transB: 1 }],
    ["Transpose", ["u"], ["flipped"], { perm: [1, 0] }],
    ["MatMul", ["x", "w"], ["product"]],
    // What other steps read stays in the memory.
    ["MatMul", ["x", "w"], ["other"]],
    ["Relu", ["other"], ["positive"]],
    ["Div", ["positive", "two"], ["half"]],
    ["Transpose", ["half"], ["turned"], { perm: [1, 0] }],
    ["ReduceSum", ["x"], ["small"], { keepdims: 0 }],
    ["Identity", ["product"], ["again"]],
  ],
};

function feedsOf(seed: number): Record<string, Tensor> {
  const wave = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i * 0.37));
  return {
    x: { dtype: "float32", shape: [rows, terms], data: wave(rows * terms) },
    w: { dtype: "float32", shape: [terms, columns], data: wave(terms * columns) },
    u: { dtype: "float32", shape: [rows, columns], data: wave(rows * columns) },
  };
}

/** In float64. */
function expected({ x, w, u }: Record<string, Tensor>): Record<string, number[]> {
  const product: number[] = [];
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < terms; k++) sum += Number(x!.data[i * terms + k]) * Number(w!.data[k * columns + j]);
      product.push(sum);
    }
  const half = product.map((number) => Math.max(0, number) / 2);
  const turn = (numbers: readonly number[]) =>
    numbers.map((_, at) => numbers[(at % rows) * columns + Math.floor(at / rows)]!);
  const small = [Array.from(x!.data, Number).reduce((sum, number) => sum + number, 0)];
  const flipped = turn(Array.from(u!.data, Number));
  return { alone: turn(product), flipped, product, half, turned: turn(half), small, again: product };
}

function expectNear(results: Readonly<Record<string, Tensor>>, wanted: Readonly<Record<string, readonly number[]>>) {
  for (const [name, numbers] of Object.entries(wanted)) {
    const data = results[name]!.data as Float32Array;
    expect(data).toHaveLength(numbers.length);
    const apart = numbers.reduce((most, number, i) => Math.max(most, Math.abs(number - data[i]!)), 0);
    const largest = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 1);
    expect(apart, name).toBeLessThan(1e-5 * largest);
  }
}

describe("large outputs", () => {
  it.each([1, 2])("are the caller's, with %i threads, and no later run writes over them", (threads) => {
    const model = new NativeModel(modelOf(graph), kernels, { threads });
    const runs = [1, 2, 3].map((seed) => ({ results: model.run(feedsOf(seed))!, wanted: expected(feedsOf(seed)) }));
    for (const { results, wanted } of runs) {
      expectNear(results, wanted);
      for (const { data } of Object.values(results)) expect(data.buffer.byteLength).toBe(data.byteLength);
    }
    const buffers = runs.flatMap(({ results }) => Object.values(results).map(({ data }) => data.buffer));
    expect(new Set(buffers).size).toBe(buffers.length);
  });

  it("take no room in a program's memory, but for those that are read, are two or come two at a time", () => {
    const read = readGraph(modelOf(graph));
    const plan = () => planFor(read, feedsOf(1), kernels);
    const [own, all] = [layoutOf(plan(), { own: true }), layoutOf(plan())];
    expect(own.outputs.filter((output) => output.own).map(({ name }) => name)).toEqual(["alone", "flipped"]);
    expect(all.tablesAt - own.tablesAt).toBeGreaterThanOrEqual(2 * rows * columns);
    expect(all.outputs.some((output) => output.own)).toBe(false);
  });

  it("are lent in one place, and given by a program that another process left", () => {
    const programs = new Map<string, Uint8Array>();
    const kept: KeptPrograms = { find: (key) => programs.get(key), keep: (key, bytes) => programs.set(key, bytes) };
    new NativeModel(modelOf(graph), kernels, { kept }).run(feedsOf(1));
    expect(programs.size).toBe(1);
    const model = new NativeModel(modelOf(graph), kernels, { kept });
    const mine = model.run(feedsOf(2))!;
    const lent = model.run(feedsOf(1), graph.outputs, true)!;
    expectNear(lent, expected(feedsOf(1)));
    const next = model.run(feedsOf(3), graph.outputs, true)!;
    for (const name of graph.outputs) expect(next[name]!.data.buffer).toBe(lent[name]!.data.buffer);
    expectNear(lent, expected(feedsOf(3)));
    expectNear(mine, expected(feedsOf(2)));
  });
});

describe("results that are written late", () => {
  const [many, wide] = [512, 256];
  /** Two layers, and gradients of their weights as they are differentiated: what the first gave is needed until the end. */
  const deep: GraphOf = {
    inputs: {
      x: ["float32", many, wide],
      v: ["float32", wide, wide],
      w: ["float32", wide, wide],
      s: ["float32", many, wide],
    },
    outputs: ["late", "soon"],
    nodes: [
      ["MatMul", ["x", "v"], ["first"]],
      ["Tanh", ["first"], ["hidden"]],
      ["MatMul", ["hidden", "w"], ["second"]],
      ["Mul", ["second", "s"], ["slope"]],
      ["Gemm", ["slope", "hidden"], ["soon"], { transB: 1 }],
      ["Gemm", ["slope", "w"], ["before"], { transB: 1 }],
      ["Mul", ["before", "hidden"], ["steep"]],
      ["Gemm", ["steep", "x"], ["late"], { transB: 1 }],
    ],
  };
  const feeds = (seed: number): Record<string, Tensor> => {
    const wave = (...shape: number[]): Tensor => ({
      ...{ dtype: "float32", shape },
      data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(seed + i * 0.37) / 8),
    });
    return { x: wave(many, wide), v: wave(wide, wide), w: wave(wide, wide), s: wave(many, wide) };
  };

  it.each([1, 2])("hold others until then, with %i threads: the memory has no place for these", async (threads) => {
    const bytes = modelOf(deep);
    const read = readGraph(bytes);
    const { tablesAt } = layoutOf(planFor(read, feeds(1), kernels), { own: true });
    // Two arrays of as many numbers as the hidden ones are needed at once beside what is fed.
    const fed = Object.values(feeds(1)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect(tablesAt).toBeLessThan(fed + many * wide);
    const model = new NativeModel(bytes, kernels, { threads });
    let spent: Record<string, Tensor> | undefined;
    for (const seed of [1, 2, 3]) {
      const wanted = await usual(bytes, feeds(seed));
      const results = model.run(feeds(seed), deep.outputs, seed === 2, seed === 3 ? spent : undefined)!;
      expectNear(
        results,
        Object.fromEntries(deep.outputs.map((name) => [name, Array.from(wanted[name]!.data, Number)])),
      );
      spent ??= results;
    }
  });
});

describe.each([16, 2 ** 14])("a result of %i rows of which a few are added to", (rows) => {
  const width = 512;
  const scattered: GraphOf = {
    inputs: { places: ["int64", 4, 1], more: ["float32", 4, width] },
    outputs: ["out"],
    initializers: {
      zero: { dtype: "float32", shape: [], data: Float32Array.of(0) },
      shape: { dtype: "int64", shape: [2], data: BigInt64Array.of(BigInt(rows), BigInt(width)) },
    },
    nodes: [
      ["Expand", ["zero", "shape"], ["base"]],
      ["ScatterND", ["base", "places", "more"], ["out"], { reduction: "add" }],
    ],
  };
  const feedsAt = (...places: number[]): Record<string, Tensor> => ({
    places: { dtype: "int64", shape: [4, 1], data: BigInt64Array.from(places, BigInt) },
    more: {
      ...{ dtype: "float32", shape: [4, width] },
      data: Float32Array.from({ length: 4 * width }, (_, i) => (i % 7) + Math.floor(i / width) / 4),
    },
  });
  const isLarge = rows > 16;

  it.each([1, 2])("has zeros elsewhere in every run, with %i threads", (threads) => {
    const bytes = modelOf(scattered);
    const { outputs } = layoutOf(planFor(readGraph(bytes), feedsAt(0, 1, 2, 3), kernels), { own: true });
    expect(outputs.map(({ own = false, cleared = false }) => ({ own, cleared }))).toEqual([
      { own: isLarge, cleared: isLarge },
    ]);
    const model = new NativeModel(bytes, kernels, { threads });
    let spent: Record<string, Tensor> | undefined;
    for (const [run, places] of [
      [3, 9, 3, 15],
      [1, 2, -1, 1],
      [9, 0, 5, 9],
      [14, 3, 2, 1],
    ].entries()) {
      const feeds = feedsAt(...places);
      const wanted = new Float32Array(rows * width);
      for (const [i, place] of places.entries())
        for (let j = 0; j < width; j++) {
          const at = (place < 0 ? place + rows : place) * width + j;
          wanted[at] = wanted[at]! + Number(feeds.more!.data[i * width + j]);
        }
      const { out } = model.run(feeds, scattered.outputs, run > 1, run === 3 ? spent : undefined)!;
      expect(
        Buffer.compare(
          Buffer.from(out!.data.buffer, out!.data.byteOffset, out!.data.byteLength),
          Buffer.from(wanted.buffer),
        ),
      ).toBe(0);
      spent ??= { out: out! };
    }
    expect(() => model.run(feedsAt(0, rows, 0, 0))).toThrow(/beyond the end/);
  });
});

describe("results that are spent", () => {
  it("are written over, where they are arrays of as many float32 numbers", () => {
    const model = new NativeModel(modelOf(graph), kernels);
    const [first, second] = [model.run(feedsOf(1))!, model.run(feedsOf(2))!];
    const arrays = Object.fromEntries(graph.outputs.map((name) => [name, first[name]!.data]));
    const third = model.run(feedsOf(3), graph.outputs, false, first)!;
    expectNear(third, expected(feedsOf(3)));
    for (const name of graph.outputs) expect(third[name]!.data).toBe(arrays[name]);
    expectNear(second, expected(feedsOf(2)));
    const [data, whole] = [new Float32Array(7), new Int32Array(rows * columns)];
    const wrong = { alone: { ...third.alone!, data }, half: { ...third.half!, data: whole }, other: third.product! };
    const fourth = model.run(feedsOf(4), graph.outputs, false, wrong)!;
    expectNear(fourth, expected(feedsOf(4)));
    expect([...data, ...whole].every((number) => number === 0)).toBe(true);
    expectNear(third, expected(feedsOf(3)));
  });

  it("may be what the run is fed", () => {
    const model = new NativeModel(modelOf(graph), kernels);
    const { flipped } = model.run(feedsOf(1))!;
    const wanted = expected({ ...feedsOf(2), u: flipped! });
    const turned = { ...flipped!, shape: [rows, columns] };
    expectNear(model.run({ ...feedsOf(2), u: turned }, graph.outputs, false, { flipped: turned })!, wanted);
  });

  it("are no whole numbers' or truth values'", () => {
    const signs: GraphOf = {
      inputs: { x: ["float32", 3] },
      outputs: ["y", "positive"],
      initializers: { zero: { dtype: "float32", shape: [], data: Float32Array.of(0) } },
      nodes: [
        ["Neg", ["x"], ["y"]],
        ["Greater", ["x", "zero"], ["positive"]],
      ],
    };
    const model = new NativeModel(modelOf(signs), kernels);
    const x = (...data: number[]): Record<string, Tensor> => ({
      x: { dtype: "float32", shape: [3], data: Float32Array.from(data) },
    });
    const first = model.run(x(1, -1, 2))!;
    const second = model.run(x(-3, 4, 5), signs.outputs, false, first)!;
    expect(second.y!.data).toBe(first.y!.data);
    expect([...(second.y!.data as Float32Array)]).toEqual([3, -4, -5]);
    expect([...(first.positive!.data as Uint8Array)]).toEqual([1, 0, 1]);
    expect([...(second.positive!.data as Uint8Array)]).toEqual([0, 1, 1]);
  });
});

describe("a result", () => {
  const far = 2 ** 30;
  const piece = 2 ** 18;

  /** A copy of numbers from the memory's begin. */
  const copy = (size: number, to: number): number[] => [2, 14, 1, size, 1, 0, 1, 0, 1, to, 1, 0, 0, 0];

  function memoryOf(numbers: number) {
    const memory = new ArrayBuffer(4 * numbers + 64);
    const begin = kernels.misaligned(memory);
    return { memory, begin, floats: new Float32Array(memory, begin) };
  }

  it("is written piece by piece, wherever it lies", () => {
    const { memory, begin, floats } = memoryOf(piece + 64);
    floats.forEach((_, i) => {
      floats[i] = i;
    });
    const results = [new Float32Array(3), new Float32Array(piece + 8), new Float32Array(5)];
    const words = [...copy(3, far), ...copy(piece + 8, far + piece), ...copy(5, far + 3 * piece)];
    expect(kernels.run(Int32Array.from(words), memory, begin, 1, results)).toBe(0);
    for (const numbers of results) expect(numbers.every((number, i) => number === i)).toBe(true);
    expect(kernels.run(Int32Array.from(words), memory, begin, 1, results.slice(1))).toBe(2);
  });

  it("has what is written first until it is written, with 16 numbers behind it", () => {
    const through = (from: number, to: number) => [2, 14, 1, 8, 1, from, 1, 0, 1, to, 1, 0, 0, 0];
    const { memory, begin, floats } = memoryOf(256);
    floats.set([1, 2, 3, 4, 5, 6, 7, 8]);
    const result = new Float32Array(64);
    const words = [...through(0, far + 40), ...through(far + 40, 32)];
    expect(kernels.run(Int32Array.from(words), memory, begin, 1, [result])).toBe(0);
    expect([...floats.subarray(32, 40)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(kernels.run(Int32Array.from(through(far + 41, 32)), memory, begin, 1, [result])).toBe(2);
    // What is read alone is nobody's to write.
    const given = [new Float32Array(64)];
    expect(kernels.run(Int32Array.from(through(0, far)), memory, begin, 1, [], given)).toBe(2);
  });

  it.each([
    ["is looked up within itself", 0, far, 2, 0],
    ["is no table", far, 0, 0, 2],
    ["is not looked up from the memory", 0, 0, far, 2],
    ["is not looked up beyond its end", 0, far, 64 - 16 - 7, 2],
  ])("%s", (_, table, left, entry, outcome) => {
    const { memory, begin } = memoryOf(256);
    const product = [1, 23, 4, 1, 16, 8, 0x3f800000, 0, left, 0, 1, 64, 16, 1, 32, 16, -1, 0, 0, table, 1, 8, 0];
    new Int32Array(memory, begin)[0] = entry;
    expect(kernels.run(Int32Array.from(product), memory, begin, 1, [new Float32Array(64)])).toBe(outcome);
  });

  it.each([
    ["that is longer than it", copy(9, far)],
    ["between two", copy(3, far + 8)],
    ["behind the last", copy(3, far + 2 * piece)],
    // Kernels read a whole vector at the end of such rows.
    [
      "by a product whose rows end within a vector",
      [1, 23, 0, 1, 8, 1, 0x3f800000, 0, 0, 1, 1, 16, 8, 1, far, 8, -1, 0, 0, -1, 0, 0, 0],
    ],
    ["that a step reads which may read behind it", [2, 14, 1, 3, 1, far, 1, 0, 1, 0, 1, 0, 0, 0]],
  ])("is not written %s", (_, words) => {
    const { memory, begin } = memoryOf(256);
    const results = [new Float32Array(8).fill(7), new Float32Array(8).fill(7)];
    expect(kernels.run(Int32Array.from(words), memory, begin, 1, results)).toBe(2);
    for (const numbers of results) expect(numbers.every((number) => number === 7)).toBe(true);
  });
});
