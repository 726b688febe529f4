// Models as they run natively: what they give, when they are planned anew, and what goes to ONNX Runtime.

import { type KeptPrograms, type Kernels, NativeModel } from "@innerloop/native";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { testKernels } from "./kernels.ts";
import { expectNear, type GraphOf, integer, integers, modelOf, numbers, truth, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

/** Kernels that count the lists of words that they have run. */
function counting(kernels: Kernels) {
  const programs = new Set<Int32Array>();
  const run: Kernels["run"] = (code, memory, offset) => {
    if (code.length > 0) programs.add(code);
    return kernels.run(code, memory, offset);
  };
  return { kernels: { ...kernels, run, misaligned: (memory: ArrayBuffer) => kernels.misaligned(memory) }, programs };
}

const twoLayers: GraphOf = {
  inputs: { x: ["float32", "rows", 4], w: ["float32", 4, 3], scale: ["float32"] },
  outputs: ["y", "sum"],
  initializers: { scale: { dtype: "float32", shape: [], data: Float32Array.of(2) } },
  nodes: [
    ["MatMul", ["x", "w"], ["h"]],
    ["Relu", ["h"], ["r"]],
    ["Mul", ["r", "scale"], ["y"]],
    ["Add", ["y", "y"], ["sum"]],
  ],
};

const classes: GraphOf = {
  inputs: { labels: ["int64", "n"] },
  outputs: ["ones"],
  initializers: { one: integers(1), first: integers(0) },
  nodes: [
    ["ReduceMax", ["labels"], ["most"], { axes: [0], keepdims: 1 }],
    ["Add", ["most", "one"], ["classes"]],
    ["ConstantOfShape", ["classes"], ["zeros"]],
    ["Add", ["zeros", "zeros"], ["ones"]],
  ],
};

describe.each(["plain", "C"])("a model on %s kernels", (which) => {
  const kernels = which === "C" ? testKernels() : plainKernels;

  it("gives what ONNX Runtime gives, with an input that need not be fed and without", async () => {
    const bytes = modelOf(twoLayers);
    const model = new NativeModel(bytes, kernels);
    for (const rows of [3, 17, 3])
      for (const fed of [{}, { scale: numbers([], rows) }]) {
        const feeds = { x: numbers([rows, 4], rows), w: numbers([4, 3]), ...fed };
        const [expected, given] = [await usual(bytes, feeds), model.run(feeds)];
        for (const name of ["y", "sum"]) expectNear(given?.[name], expected[name]!);
      }
    expect([model.inputs, model.outputs]).toEqual([
      ["x", "w", "scale"],
      ["y", "sum"],
    ]);
  });

  it("gives arrays that later runs leave alone", () => {
    const model = new NativeModel(modelOf(twoLayers), kernels);
    const feeds = { x: numbers([3, 4]), w: numbers([4, 3]) };
    const { y } = model.run(feeds)!;
    const before = Array.from(y!.data as Float32Array);
    model.run({ ...feeds, x: numbers([3, 4], 9) });
    expect(Array.from(y!.data as Float32Array)).toEqual(before);
  });

  it("computes what is asked for", () => {
    const model = new NativeModel(modelOf(twoLayers), kernels);
    const feeds = { x: numbers([3, 4]), w: numbers([4, 3]) };
    const all = model.run(feeds)!;
    expect(model.run(feeds, ["sum"])).toEqual({ sum: all.sum });
    expect(Object.keys(model.run(feeds, ["sum", "y"])!)).toEqual(["sum", "y"]);
    expect(model.run(feeds, [])).toEqual({});
  });

  it("takes turns by a whole number, also one of 32 bits", async () => {
    const body: GraphOf = {
      inputs: { turn: ["int64"], on: ["bool"], a: ["float32", 3] },
      outputs: ["still", "next"],
      nodes: [
        ["Identity", ["on"], ["still"]],
        ["Add", ["a", "x"], ["next"]],
      ],
    };
    const bytes = modelOf({
      inputs: { x: ["float32", 3], steps: ["int64"] },
      outputs: ["last"],
      initializers: { truth },
      nodes: [["Loop", ["steps", "truth", "x"], ["last"], { body }]],
    });
    const model = new NativeModel(bytes, kernels);
    const x = numbers([3]);
    for (const steps of [2, 5, 0, 2]) {
      const expected = (await usual(bytes, { x, steps: integer(steps) })).last!;
      expectNear(model.run({ x, steps: integer(steps) })?.last, expected);
      expectNear(model.run({ x, steps: { dtype: "int32", shape: [], data: Int32Array.of(steps) } })?.last, expected);
    }
  });

  it("gives whole numbers and truths in their own types", async () => {
    const bytes = modelOf({
      inputs: { a: ["int64", 3], b: ["int32", 3] },
      outputs: ["sum", "less", "b2"],
      nodes: [
        ["Neg", ["b"], ["b2"]],
        ["Add", ["a", "a"], ["sum"]],
        ["Less", ["b", "b2"], ["less"]],
      ],
    });
    const feeds: Record<string, Tensor> = {
      a: integers(1, -7, 2 ** 22),
      b: { dtype: "int32", shape: [3], data: Int32Array.of(3, -2, 0) },
    };
    const [expected, given] = [await usual(bytes, feeds), new NativeModel(bytes, kernels).run(feeds)];
    for (const name of ["less", "b2"]) expect(given?.[name]).toEqual(expected[name]);
    expect(given?.sum?.data).toEqual(BigInt64Array.of(2n, -14n, 2n ** 23n));
  });

  it("says so where an index is beyond the end of its axis", () => {
    const bytes = modelOf({
      inputs: { x: ["float32", 4, 2], at: ["int64", 2] },
      outputs: ["y"],
      nodes: [["Gather", ["x", "at"], ["y"]]],
    });
    const model = new NativeModel(bytes, kernels);
    const x = numbers([4, 2]);
    expect(Array.from(model.run({ x, at: integers(-1, 2) })!.y!.data.slice(0, 2) as Float32Array)).toEqual(
      Array.from(x.data.slice(6) as Float32Array),
    );
    expect(() => model.run({ x, at: integers(1, 4) })).toThrow(expect.objectContaining({ code: "run-failed" }));
  });
});

describe("plans", () => {
  const square: GraphOf = { inputs: { x: ["float32", "n"] }, outputs: ["y"], nodes: [["Mul", ["x", "x"], ["y"]]] };

  it("are made once for the same sizes, and eight are kept, of which one makes room now and then", () => {
    const { kernels, programs } = counting(plainKernels);
    const model = new NativeModel(modelOf(square), kernels);
    const run = (size: number) => model.run({ x: numbers([size]) });
    for (let size = 1; size <= 8; size++) run(size);
    for (let size = 8; size >= 1; size--) run(size);
    expect(programs.size).toBe(8);
    expect(run(9)).toBeUndefined();
    for (let times = 0; times < 50; times++) expect(run(times % 2 === 0 ? 7 : 6)).toBeDefined();
    // The one that was not used for the longest time.
    expect(run(9)).toBeDefined();
    expect(programs.size).toBe(9);
    expect(run(8)).toBeUndefined();
    expect(run(7)).toBeDefined();
    expect(programs.size).toBe(9);
  });

  it("are told apart by types and by what is fed", () => {
    const { kernels, programs } = counting(plainKernels);
    const model = new NativeModel(modelOf(twoLayers), kernels);
    const feeds = { x: numbers([3, 4]), w: numbers([4, 3]) };
    model.run(feeds);
    model.run({ ...feeds, scale: numbers([]) });
    model.run(feeds, ["y"]);
    model.run({ ...feeds, scale: numbers([], 4) });
    expect(programs.size).toBe(3);
  });

  it("rest on the largest whole number where it is a size", async () => {
    const bytes = modelOf(classes);
    const model = new NativeModel(bytes, plainKernels);
    for (const labels of [integers(0, 2, 1), integers(1, 4, 0), integers(0, 2, 2)]) {
      expectNear(model.run({ labels })?.ones, (await usual(bytes, { labels })).ones!);
    }
  });
});

describe("programs that are kept", () => {
  function keeping() {
    const files = new Map<string, Uint8Array>();
    const found: string[] = [];
    const kept: KeptPrograms = {
      find: (key) => {
        const bytes = files.get(key);
        if (bytes) found.push(key);
        return bytes?.slice();
      },
      keep: (key, bytes) => void files.set(key, bytes),
    };
    return { files, found, kept };
  }

  it("give the same in another model of the same bytes, and belong to no other model and to no other sizes", async () => {
    const { files, found, kept } = keeping();
    const kernels = await testKernels();
    const bytes = modelOf(twoLayers);
    const feeds = { x: numbers([3, 4]), w: numbers([4, 3]) };
    const first = new NativeModel(bytes, kernels, { kept }).run(feeds);
    expect([files.size, found.length]).toEqual([1, 0]);
    expect(new NativeModel(bytes, kernels, { kept }).run(feeds)).toEqual(first);
    expect([files.size, found.length]).toEqual([1, 1]);
    const other = { ...feeds, x: numbers([5, 4]) };
    expectNear(new NativeModel(bytes, kernels, { kept }).run(other)?.y, (await usual(bytes, other)).y!);
    const halved = modelOf({ ...twoLayers, initializers: { scale: { ...numbers([]), data: Float32Array.of(0.5) } } });
    expectNear(new NativeModel(halved, kernels, { kept }).run(feeds)?.y, (await usual(halved, feeds)).y!);
    expect([files.size, found.length]).toEqual([3, 1]);
  });

  it("belong to the kernels that computed what no run changes", async () => {
    const { files, found, kept } = keeping();
    const bytes = modelOf(twoLayers);
    const feeds = { x: numbers([3, 4]), w: numbers([4, 3]) };
    for (const name of ["one", "another", "another"])
      expectNear(
        new NativeModel(bytes, { ...plainKernels, name }, { kept }).run(feeds)?.y,
        (await usual(bytes, feeds)).y!,
      );
    expect([files.size, found.length]).toEqual([2, 1]);
  });

  it("say that there will be none where there is a refusal", () => {
    const { files, kept } = keeping();
    const left: string[] = [];
    const bytes = modelOf({ inputs: { x: ["float32", 3] }, outputs: ["y"], nodes: [["NoSuch", ["x"], ["y"]]] });
    const model = new NativeModel(bytes, plainKernels, { kept: { ...kept, leave: (key) => void left.push(key) } });
    expect(model.run({ x: numbers([3]) })).toBeUndefined();
    expect([files.size, left.length]).toEqual([0, 1]);
  });

  it("are made anew where there are other classes", async () => {
    const { files, kept } = keeping();
    const bytes = modelOf(classes);
    for (const labels of [integers(0, 2, 1), integers(1, 4, 0), integers(0, 2, 2)]) {
      const given = new NativeModel(bytes, plainKernels, { kept }).run({ labels });
      expectNear(given?.ones, (await usual(bytes, { labels })).ones!);
    }
    expect(files.size).toBe(1);
  });
});

it("runs take the threads that the model was opened with, and one unless it is said", () => {
  const asked: (number | undefined)[] = [];
  const kernels: Kernels = {
    ...plainKernels,
    run(code, memory, offset, threads) {
      asked.push(threads);
      return plainKernels.run(code, memory, offset);
    },
  };
  const feeds = { x: numbers([3, 4]), w: numbers([4, 3]) };
  const once = new NativeModel(modelOf(twoLayers), kernels).run(feeds);
  expect(asked.at(-1)).toBe(1);
  expect(new NativeModel(modelOf(twoLayers), kernels, { threads: 3 }).run(feeds)).toEqual(once);
  expect(asked.at(-1)).toBe(3);
});

describe("what is not computed here", () => {
  const x = numbers([3]);
  const model = new NativeModel(
    modelOf({ inputs: { x: ["float32", 3] }, outputs: ["y"], nodes: [["Exp", ["x"], ["y"]]] }),
    plainKernels,
  );

  it("is what is fed or asked for wrongly, which ONNX Runtime says", () => {
    for (const feeds of [{}, { x, more: x }, { x: { ...x, dtype: "int64" as const } }, { x: { ...x, shape: [4] } }])
      expect(model.run(feeds)).toBeUndefined();
    expect(model.run({ x }, ["z"])).toBeUndefined();
    expectNear(model.run({ x })?.y, { ...x, data: (x.data as Float32Array).map(Math.exp) });
  });

  it("is whole numbers that float32 does not hold", () => {
    const least = modelOf({
      inputs: { x: ["int64", 1] },
      outputs: ["y"],
      nodes: [["Min", ["x", "zero"], ["y"]]],
      initializers: { zero: integers(0) },
    });
    const model = new NativeModel(least, plainKernels);
    expect(model.run({ x: integers(2 ** 24) })).toBeDefined();
    expect(model.run({ x: integers(2 ** 24 + 1) })).toBeUndefined();
  });

  it("is whole numbers that a run finds to be none, or rounds", () => {
    const wholes: GraphOf = {
      inputs: { x: ["float32", "n"], y: ["int64", "n"] },
      outputs: ["cast", "product"],
      nodes: [
        ["Cast", ["x"], ["cast"], { to: 7 }],
        ["Mul", ["y", "y"], ["product"]],
      ],
    };
    const model = new NativeModel(modelOf(wholes), plainKernels);
    const fed = (x: number, y: number) => ({ x: { ...numbers([1]), data: Float32Array.of(x) }, y: integers(y) });
    expect(model.run(fed(-2.5, 4095))).toMatchObject({
      cast: { data: BigInt64Array.of(-2n) },
      product: { data: BigInt64Array.of(16_769_025n) },
    });
    for (const x of [Number.NaN, Number.POSITIVE_INFINITY, 1e9, 1e19]) expect(model.run(fed(x, 1))).toBeUndefined();
    expect(model.run(fed(1, 4099))).toBeUndefined();
    expect(model.run(fed(1, 4099), ["cast"])).toBeDefined();
  });

  it("is a quotient of products of whole numbers, of which nothing tells how large they are", () => {
    const buckets = (operator: "Mod" | "Div", of: "product" | "moved" | "ids" | "left"): GraphOf => ({
      inputs: { ids: ["int64", "n"] },
      outputs: ["bucket"],
      nodes: [
        ["Mul", ["ids", "factor"], ["product"]],
        ["Add", ["product", "count"], ["moved"]],
        ["Mod", ["ids", "count"], ["left"]],
        [operator, [of, "count"], ["bucket"]],
      ],
      initializers: { factor: integers(1_000_003), count: integers(97) },
    });
    for (const operator of ["Mod", "Div"] as const) {
      const run = (of: Parameters<typeof buckets>[1]) =>
        new NativeModel(modelOf(buckets(operator, of)), plainKernels).run({ ids: integers(5, 1234, 98_765) });
      for (const of of ["product", "moved"] as const) expect(run(of)).toBeUndefined();
      for (const of of ["ids", "left"] as const) expect(run(of)).toBeDefined();
    }
  });

  it("is an operator without steps", () => {
    const other = modelOf({ inputs: { x: ["float32", 3] }, outputs: ["y"], nodes: [["NonZero", ["x"], ["y"]]] });
    const model = new NativeModel(other, plainKernels);
    for (let times = 0; times < 2; times++) expect(model.run({ x })).toBeUndefined();
  });

  it("is a transposed convolution of no places, which ONNX Runtime refuses", async () => {
    const graph: GraphOf = {
      ...{ inputs: { x: ["float32", 1, 1, 2, 2], w: ["float32", 1, 1, 1, 1] }, outputs: ["y"] },
      nodes: [["ConvTranspose", ["x", "w"], ["y"], { pads: [1, 1, 1, 1] }]],
    };
    const feeds = { x: numbers([1, 1, 2, 2]), w: numbers([1, 1, 1, 1]) };
    expect(new NativeModel(modelOf(graph), plainKernels).run(feeds)).toBeUndefined();
    await expect(usual(modelOf(graph), feeds)).rejects.toThrow();
  });

  it("is bytes that are no model", () => {
    expect(() => new NativeModel(Uint8Array.of(1, 2, 3), plainKernels)).toThrow(
      expect.objectContaining({ code: "onnx-unreadable" }),
    );
  });
});
