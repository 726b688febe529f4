// Resizing, sampling and transforms of axes whose size is open: for any size the numbers, and the derivatives, of that size.
import { evaluate, grad, input, op, type Value, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { describe, expect, test } from "vitest";
import { distance, numbers, randomNumbers } from "./numbers.ts";

interface Open {
  readonly build: (x: Value) => Value;
  readonly shape: readonly (string | number)[];
}

const image = ["n", 2, "h", "w"];
const resized = (scales: readonly number[], options: op.ResizeOptions): Open => ({
  build: (x) => op.Resize(x, { scales }, options),
  shape: image,
});
const places = (x: Value): Value => op.Mul(op.Reshape(op.Slice(x, [0], [1], [1]), [x.shape[0]!, -1, 1, 1]), 0.7);

const cases: Record<string, Open> = {
  "nearest, twice as large": resized([1, 1, 2, 2], { coordinates: "asymmetric", nearest: "floor" }),
  "nearest, by an odd scale": resized([1, 1, 1.3, 0.8], { nearest: "round_prefer_ceil" }),
  "linear, to corners": resized([1, 1, 2, 3], { mode: "linear", coordinates: "align_corners" }),
  "linear, averaged": resized([1, 1, 0.6, 0.5], { mode: "linear", antialias: true }),
  "cubic, without what is outside": resized([1, 1, 1.5, 0.75], { mode: "cubic", excludeOutside: true }),
  "linear, to a size": {
    build: (x) => op.Resize(x, { sizes: [x.shape[0]!, 2, 5, x.shape[3]!] }, { mode: "linear" }),
    shape: image,
  },
  "a grid": {
    build: (x) => op.GridSample(x, op.Concat([places(x), places(x)], 3), { padding: "border" }),
    shape: image,
  },
  "a spectrum": { build: (x) => op.DFT(x, { axis: 1, onesided: true }), shape: ["n", "t", 1] },
  frames: { build: (x) => op.STFT(x, 2, { length: 3 }), shape: ["n", "t", 1] },
};

describe.each(Object.entries(cases))("%s", (_, { build, shape }) => {
  test.each([1, 2])("of sizes %s", async (n) => {
    const sizes: Record<string, number> = { n, h: 3 + n, w: 7 - n, t: 4 + n };
    const fixedShape = shape.map((dim) => (typeof dim === "number" ? dim : sizes[dim]!));
    const feed = numbers(fixedShape, randomNumbers(n + 3));
    const [x, fixed] = [input("x", shape, "float64"), input("x", fixedShape, "float64")];
    const both = (v: Value): Value[] => {
      const y = build(v);
      return [y, ...grad(op.ReduceSum(op.Mul(y, op.Sin(y)), { keepdims: false }), [v])];
    };
    const [open, known] = [evaluate(both(x), { x: feed }), evaluate(both(fixed), { x: feed })];
    for (const [i, array] of open.entries()) {
      expect(array.shape).toEqual(known[i]!.shape);
      expect(distance(array.data, known[i]!.data)).toBeLessThan(1e-9);
    }
    const single = input("x", shape);
    const [y, slope] = both(single) as [Value, Value];
    const session = await openSession(writeOnnx({ y, slope }, { inputs: [single] }));
    const data = Float32Array.from(feed.data);
    const run = await session.run({ x: { dtype: "float32", shape: fixedShape, data } });
    for (const [i, name] of ["y", "slope"].entries()) {
      expect([...run[name]!.shape]).toEqual(known[i]!.shape);
      expect(distance(Array.from(run[name]!.data, Number), known[i]!.data), name).toBeLessThan(2e-5);
    }
  });
});
