// Arrays of a model that are many numbers stay as they are, whether runs read them or a plan computes something of them beforehand.

import { NativeModel } from "@innerloop/native";
import { Known, layoutOf, planFor, readGraph, type Step, type Store } from "@innerloop/native/plan";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { testKernels } from "./kernels.ts";
import { expectNear, type GraphOf, integers, modelOf, numbers, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

// Of 520 x 520 numbers copies are made when something asks for them.
it.each([72, 520])(
  "arrays of %i rows are read as they are, turned, and computed with beforehand, for one set of sizes after another",
  async (size) => {
    const model = modelOf({
      inputs: { x: ["float32", "rows", size] },
      outputs: ["y", "z"],
      initializers: { weights: numbers([size, size], 3), others: numbers([size, size], 5) },
      nodes: [
        ["Transpose", ["weights"], ["turned"], { perm: [1, 0] }],
        ["MatMul", ["x", "weights"], ["a"]],
        ["MatMul", ["a", "turned"], ["b"]],
        ["Mul", ["turned", "others"], ["mixed"]],
        ["Add", ["mixed", "weights"], ["sum"]],
        ["MatMul", ["x", "sum"], ["z"]],
        ["Add", ["b", "z"], ["y"]],
      ],
    });
    const ours = new NativeModel(model, plainKernels);
    for (const rows of [3, 5]) {
      const feeds = { x: numbers([rows, size], rows) };
      const expected = await usual(model, feeds);
      const given = ours.run(feeds)!;
      for (const name of ["y", "z"]) expectNear(given[name], expected[name]!, size === 72 ? 3 : 2);
    }
  },
);

describe("copies of many numbers", () => {
  const size = 2 ** 18;
  const stored = (): Store => ({ size, depth: 0 });
  const chain = (from: Store, to: Store, name: "copy" | "negative"): Step => ({
    ...{ kind: "chain", shape: [size], reads: [{ store: from, offset: 0, strides: [1] }] },
    code: name === "copy" ? [] : [{ name, operands: [{ register: 0 }] }],
    writes: [{ store: to, offset: 0, strides: [1], register: name === "copy" ? 0 : 1, how: "set" }],
  });
  const begun = () => {
    const known = new Known(testKernels());
    const [first, second, third] = [stored(), stored(), stored()];
    known.of(first).fill(2);
    known.run(chain(first, second, "copy"));
    return { known, first, second, third };
  };

  it("are of what was there when they were to be made, whoever asks", () => {
    const { known, first, second, third } = begun();
    expect(known.origin(second)).toBe(first);
    known.run(chain(second, third, "negative"));
    known.run(chain(third, first, "copy"));
    expect([known.of(third)[7], known.of(first)[7]]).toEqual([-2, -2]);
    expect(known.of(second)[size - 1]).toBe(2);
    expect(known.origin(second)).toBe(second);
  });

  it("are large arrays that programs read where they lie", () => {
    const { known, second } = begun();
    expect(known.computed(second)!.subarray(0, size)).toEqual(new Float32Array(size).fill(2));
    const again = begun();
    again.known.run(chain(again.third, again.second, "copy"));
    expect(again.known.of(again.second)[3]).toBe(0);
  });
});

describe("initializers of many numbers", () => {
  const size = 128;
  const graph: GraphOf = {
    inputs: { x: ["float32", "rows", size] },
    outputs: ["y", "z"],
    initializers: { weights: numbers([size, size], 3), others: numbers([size, size], 5) },
    nodes: [
      ["MatMul", ["x", "weights"], ["y"]],
      ["MatMul", ["x", "others"], ["z"]],
    ],
  };
  /** The bytes at every distance from where the machine could read numbers as they lie. */
  const files = [0, 1, 2, 3].map((distance) => {
    const bytes = modelOf(graph);
    const file = new Uint8Array(bytes.length + distance).subarray(distance);
    file.set(bytes);
    return file;
  });

  it("are read where they lie in a file, wherever that is, and a layout says which it has", () => {
    const whole = files.map((file) => {
      const { initializers, ...read } = readGraph(file);
      for (const [name, tensor] of initializers) expect(tensor.data).toEqual(graph.initializers![name]!.data);
      const { known } = layoutOf(planFor({ ...read, initializers }, { x: numbers([3, size]) }, plainKernels));
      expect(new Set(known.map(({ tensor }) => tensor))).toEqual(new Set(initializers.values()));
      return [...initializers.values()].every(({ data }) => data.buffer === file.buffer);
    });
    // Where it is not aligned, each reading is a copy; a file's header decides where that is.
    expect(whole.filter(Boolean).length).toBeLessThanOrEqual(1);
  });

  it("are a program's own once there is one, from which those for other sizes and outputs are made", async () => {
    for (const file of files) {
      const bytes = file.slice();
      const ours = new NativeModel(file, testKernels());
      const check = async (rows: number, fetches: readonly string[]) => {
        const feeds = { x: numbers([rows, size], rows) };
        const expected = await usual(bytes, feeds);
        const given = ours.run(feeds, fetches)!;
        for (const name of fetches) expectNear(given[name], expected[name]!, 3);
      };
      await check(3, ["y"]);
      // Nothing is read there any more.
      file.fill(0);
      await check(5, ["z"]);
      await check(3, ["y", "z"]);
      await check(6, ["z"]);
      for (let rows = 7; rows < 11; rows++) await check(rows, ["y"]);
      // After many runs a program takes the place of another.
      for (let i = 0; i < 64; i++) ours.run({ x: numbers([10, size]) }, ["y"]);
      await check(17, ["z", "y"]);
    }
  });
});

it.each([
  ["never", "above"],
  ["above", "never"],
])("%s and %s at once is known to be nowhere, so that it can be an axis of what runs compute", async (...both) => {
  const model = modelOf({
    inputs: { x: ["float32", 4] },
    outputs: ["y"],
    initializers: { zero: { dtype: "float32", shape: [1], data: Float32Array.of(0) } },
    nodes: [
      ["Greater", ["x", "zero"], ["above"]],
      ["Not", ["above"], ["never"]],
      ["And", both, ["nowhere"]],
      ["Cast", ["nowhere"], ["zeros"], { to: 7 }],
      ["ReduceMax", ["zeros"], ["axis"], { keepdims: 1 }],
      ["Unsqueeze", ["x", "axis"], ["y"]],
    ],
  });
  const x = numbers([4], 9);
  const { y } = new NativeModel(model, plainKernels).run({ x })!;
  expect(y).toEqual((await usual(model, { x })).y);
  expect(y!.shape).toEqual([1, 4]);
});

describe("filters that are known, and turned around for a gradient", () => {
  const filters = (w: Tensor, x: Tensor): Uint8Array =>
    modelOf({
      inputs: { x: ["float32", ...x.shape] },
      outputs: ["y"],
      initializers: { w, back: integers(-1, -1), ends: integers(-(2 ** 40), -(2 ** 40)), axes: integers(2, 3) },
      nodes: [
        ["Slice", ["w", "back", "ends", "axes", "back"], ["around"]],
        ["Transpose", ["around"], ["turned"], { perm: [1, 0, 2, 3] }],
        ["Conv", ["x", "turned"], ["y"], { pads: [1, 1, 1, 1] }],
      ],
    });

  it("are written once, as products read them", async () => {
    const [w, x] = [numbers([20, 9, 3, 3], 4), numbers([2, 20, 6, 5], 5)];
    let written = 0;
    const run: typeof plainKernels.run = (...given) => {
      written++;
      return plainKernels.run(...given);
    };
    const bytes = filters(w, x);
    planFor(readGraph(bytes), { x }, { ...plainKernels, run });
    expect(written).toBe(1);
    const { y } = new NativeModel(bytes, plainKernels).run({ x })!;
    expectNear(y, (await usual(bytes, { x })).y!, 4);
  });

  it("are not taken for such that take one place of their window each, unless each of them does", async () => {
    const x = numbers([2, 2, 4, 4], 6);
    // Two filters that take a place, and the same with a second number, with another number, and with none.
    const places = [4, 20];
    const changes: readonly (readonly [number, number])[] = [
      [0, 0],
      [35, 1],
      [20, 0.5],
      [20, 0],
    ];
    for (const [at, number] of changes) {
      const data = new Float32Array(2 * 2 * 9);
      for (const place of places) data[place] = 1;
      data[at] = number;
      const bytes = filters({ dtype: "float32", shape: [2, 2, 3, 3], data }, x);
      const { y } = new NativeModel(bytes, plainKernels).run({ x })!;
      expect(y!.data).toEqual((await usual(bytes, { x })).y!.data);
    }
  });
});
