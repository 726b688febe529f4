// Written as ONNX and read again, every operator and its gradient give the numbers that they gave: what files say is what
// graphs mean, whatever an operator is written as.
import {
  evaluate,
  grad,
  input,
  type OnnxModel,
  onnxTarget,
  op,
  readOnnx,
  type ShapedNumbers,
  writeOnnx,
} from "@innerloop/graph";
import { describe, expect, test } from "vitest";
import { cases, feedsOf } from "./cases.ts";
import { distance, inputs64, numbers, randomNumbers, weighed } from "./numbers.ts";

/** Float constants of a file are read as weights, and so need feeding. */
const storedIn = (model: OnnxModel) => model.initializers as unknown as Record<string, ShapedNumbers>;

const targets = {
  "opset 18, columns": {},
  "opset 17, columns": { opset: 17 },
  "opset 21, Conv": { opset: 21, target: onnxTarget({ opset: 21, convolution: "native" }) },
};

describe.each(Object.entries(targets))("%s", (_, options) => {
  const all = Object.entries(cases).flatMap(([name, list]) => list.map((c, n) => [`${name} ${n + 1}`, c, n] as const));
  test.each(all)("%s", (_name, c, n) => {
    const next = randomNumbers(n);
    const inputs = inputs64(c.shapes);
    const feeds = feedsOf(c, next);
    const y = c.build(...inputs);
    const slopes = grad(weighed(y, next), inputs);
    const outputs = { y, ...Object.fromEntries(slopes.map((slope, i) => [`slope${i}`, slope])) };
    const again = readOnnx(writeOnnx(outputs, { inputs, ...options }), "again.onnx");
    const names = Object.keys(outputs);
    const expected = evaluate(Object.values(outputs), feeds);
    evaluate(
      names.map((name) => again.outputs[name]!),
      { ...feeds, ...storedIn(again) },
    ).forEach(({ data, shape, dtype }, i) => {
      expect(shape, names[i]).toEqual(expected[i]!.shape);
      expect(dtype, names[i]).toBe(expected[i]!.dtype);
      expect(distance(data, expected[i]!.data), names[i]).toBeLessThan(1e-6);
    });
  });
});

test("open sizes keep their names and stay open", () => {
  const x = input("support_x", ["support", 6, 6, 2], "float64");
  const w = input("w", [3, 3, 2, 4], "float64");
  const y = op.ReduceMean(op.MaxPooling(op.Relu(op.Convolution(x, w)), [2, 2], { strides: [2, 2] }), { axes: [1, 2] });
  const [slope] = grad(op.ReduceMean(y, { keepdims: false }), [w]);
  const again = readOnnx(writeOnnx({ y, slope: slope! }, { inputs: [x, w] }), "again.onnx");
  expect(again.inputs.support_x!.shape).toEqual(["support", 6, 6, 2]);
  for (const support of [1, 3]) {
    const next = randomNumbers(support);
    const feeds = { support_x: numbers([support, 6, 6, 2], next), w: numbers([3, 3, 2, 4], next) };
    const expected = evaluate([y, slope!], feeds);
    evaluate([again.outputs.y!, again.outputs.slope!], { ...feeds, ...storedIn(again) }).forEach(({ data }, i) => {
      expect(distance(data, expected[i]!.data)).toBeLessThan(1e-9);
    });
  }
});
