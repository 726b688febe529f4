// Every operator: its numbers against the ONNX standard's reference, its first and second derivatives against central
// differences, its batching against a loop over tasks, and the closure of the operators under differentiation.
import {
  evaluate,
  grad,
  gradients,
  input,
  op,
  operatorNamed,
  operators,
  readOnnx,
  type ShapedNumbers,
  simplify,
  spellings,
  topological,
  type Value,
  vmap,
} from "@innerloop/graph";
import { describe, expect, test } from "vitest";
import { readFamilies } from "../support/recorded.ts";
import { on } from "./case.ts";
import { cases, feedsOf } from "./cases.ts";
import { contributedNames } from "./contributed-cases.ts";
import { indexSteps, toldOperators } from "./index-cases.ts";
import { differences, distance, inputs64, numbers, randomNumbers, weighed } from "./numbers.ts";

/** Operators whose derivative is zero wherever it exists, as functions of floats. */
const named = op as unknown as Record<string, (...x: unknown[]) => Value>;
const steps: Record<string, (x: Value) => Value> = {
  ...indexSteps,
  ...Object.fromEntries(
    ["Sign", "Positive", "Floor", "Ceil", "Round"].map((name) => [name, (x: Value) => named[name]!(x)]),
  ),
  ...Object.fromEntries(
    "Equal Less LessOrEqual Greater GreaterOrEqual"
      .split(" ")
      .map((name) => [name, (x: Value) => named[name]!(x, 0.25)]),
  ),
  ...Object.fromEntries(
    "And Or Xor".split(" ").map((name) => [name, (x: Value) => named[name]!(op.Less(x, 0.5), op.Greater(x, -0.5))]),
  ),
  Not: (x) => op.Not(op.Less(x, 0)),
  IsNaN: (x) => op.IsNaN(x),
  ArgMax: (x) => op.ArgMax(x, 1),
  MaxPoolPlaces: (x) => op.maxPlaces(op.MaxPool(op.Reshape(x, [-1, 1, 4]), [2]), 1),
  ArgMin: (x) => op.ArgMin(x, -1, false),
  OneHot: (x) => op.OneHot(op.Cast(op.Mul(x, 3), "int64"), 3, "float64"),
};

/** What is drawn by chance. */
const drawn = "Bernoulli Dropout Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike".split(" ");
/** Operators whose derivative goes through rounding as if it were not there. */
const quantizing =
  "ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul QuantizeLinear".split(
    " ",
  );

/** Operators that only name sizes or constants, the loop, and what tests of their own cover. */
const elsewhere = [
  ...["Narrow", "Range", "Constant", "ConstantOfShape", "Shape", "Size", "Loop", "While", "StraightThrough"],
  ...["BlackmanWindow", "HammingWindow", "HannWindow", "MelWeightMatrix"],
  ...toldOperators,
  ...drawn,
  ...quantizing,
  // Read as operators that stand here.
  ...spellings().flatMap(({ name }) => (name.includes(".") || contributedNames.includes(name) ? [name] : [])),
];

const table = Object.entries({
  ...cases,
  ...Object.fromEntries(Object.entries(steps).map(([name, build]) => [name, [on(build, [3, 4])]])),
});

const own = operators();

describe("coverage", () => {
  test("every operator and every spelling has a case", () => {
    const known = new Set([...table.map(([name]) => name), ...elsewhere]);
    const all = [...operators(), ...spellings()].map(({ name }) => name);
    expect(all.filter((name) => !known.has(name))).toEqual([]);
    expect([...known].filter((name) => !all.includes(name))).toEqual([]);
  });

  test.each(own)(
    "$name has numbers and a batching rule, or is made of others",
    ({ name, decompose, evaluate, batch }) => {
      if (name === "Loop") return;
      expect(decompose ?? evaluate).toBeDefined();
      expect(decompose ?? batch).toBeDefined();
    },
  );

  test.each(own.filter(({ name }) => cases[name]))("a case of $name uses it", ({ name }) => {
    const used = cases[name]!.flatMap(({ build, shapes }) => topological([build(...inputs64(shapes))]));
    expect(used.map((node) => node.operator.name)).toContain(name);
  });
});

interface Recorded {
  readonly operator: string;
  readonly opset: number;
  readonly note: string;
  readonly model: string;
  readonly inputs: Record<string, ShapedNumbers>;
  readonly outputs: Record<string, ShapedNumbers>;
}
const recorded = Object.values(readFamilies<readonly Recorded[]>("graph/recorded/operators")).flat();

describe("numbers", () => {
  test.each(recorded.map((r) => [`${r.operator} ${r.opset} ${r.note}`, r] as const))("%s", (_, r) => {
    const model = readOnnx(Buffer.from(r.model, "base64"), r.operator);
    const names = Object.keys(r.outputs);
    const weights = Object.entries(model.initializers).map(([name, { shape, data }]) => [name, { shape, data }]);
    const arrays = evaluate(
      names.map((name) => model.outputs[name]!),
      { ...r.inputs, ...Object.fromEntries(weights) },
    );
    names.forEach((name, i) => {
      expect(arrays[i]!.shape).toEqual(r.outputs[name]!.shape);
      expect(distance(arrays[i]!.data, r.outputs[name]!.data)).toBeLessThan(1e-6);
    });
  });

  test("every operator of ONNX has recorded numbers, or a formula", () => {
    const names = new Set(recorded.map((r) => r.operator));
    for (const [name, list] of Object.entries(cases)) if (list.every((c) => c.formula)) names.add(name);
    const onnx = [...own.filter((o) => o.since !== undefined && o.since <= 21), ...spellings()];
    // Those of ONNX Runtime's own domain are compared with what it computes (contributed.test.ts), tables of probabilities in tables.test.ts.
    const without = new Set([...drawn, ...contributedNames, "ai.onnx.ml.ZipMap"]);
    expect(onnx.map((o) => o.name).filter((name) => !names.has(name) && !without.has(name))).toEqual([]);
  });

  for (const [name, list] of Object.entries(cases))
    list.forEach((c, n) => {
      if (!c.formula) return;
      test(`${name} ${n + 1}: computes its formula`, () => {
        const feeds = feedsOf(c, randomNumbers(n + 1));
        const [got] = evaluate([c.build(...inputs64(c.shapes))], feeds);
        expect(distance(got!.data, c.formula!(...Object.values(feeds)))).toBeLessThan(1e-9);
      });
    });

  test("operators of our own", () => {
    const [x] = inputs64([[4]]) as [Value];
    const at = (y: Value) => [...evaluate([y], { x0: { shape: [4], data: [-2, 0, 0.5, 3] } })[0]!.data];
    expect(at(op.Positive(x))).toEqual([0, 0, 1, 1]);
    expect(at(op.stopGradient(x))).toEqual([-2, 0, 0.5, 3]);
    const swish = [-2, 0, 0.5, 3].map((v) => v / (1 + Math.exp(-v)));
    expect(distance(at(op.Swish(x)), swish)).toBeLessThan(1e-12);
    const mean = 0.375;
    const variance = ((-2 - mean) ** 2 + mean ** 2 + (0.5 - mean) ** 2 + (3 - mean) ** 2) / 4;
    const standard = [-2, 0, 0.5, 3].map((v) => (v - mean) / Math.sqrt(variance + 1e-5));
    expect(distance(at(op.Standardize(x, [0])), standard)).toBeLessThan(1e-12);
  });
});

describe("derivatives", () => {
  for (const [name, list] of Object.entries(cases))
    list.forEach((c, n) => {
      test(`${name} ${n + 1}: first and second order are those of central differences`, () => {
        const next = randomNumbers(n + 1);
        const inputs = inputs64(c.shapes);
        const feeds = feedsOf(c, next);
        let scalar = weighed(c.build(...inputs), next);
        for (const order of [1, 2]) {
          const slopes = simplify(grad(scalar, inputs));
          evaluate(slopes, feeds).forEach(({ data }, i) => {
            expect(distance(data, differences(scalar, feeds, `x${i}`)), `order ${order}, input ${i}`).toBeLessThan(
              1e-6,
            );
          });
          scalar = slopes.map((slope) => weighed(slope, next)).reduce((a, b) => op.Add(a, b));
        }
      });
    });

  test.each(Object.entries(steps))("%s has none", (_, build) => {
    const [x] = inputs64([[3, 4]]) as [Value];
    const y = op.ReduceSum(op.Cast(build(x), "float64"), { keepdims: false });
    const feeds = { x0: numbers([3, 4], randomNumbers(5)) };
    expect([...evaluate(grad(y, [x]), feeds)[0]!.data]).toEqual(new Array(12).fill(0));
  });

  test.each(Object.entries(cases))("%s: the gradient of the gradient is made of registered operators", (_, list) => {
    for (const { build, shapes } of list) {
      const inputs = inputs64(shapes);
      const next = randomNumbers(3);
      const first = grad(weighed(build(...inputs), next), inputs);
      const second = grad(
        first.map((g) => weighed(g, next)).reduce((a, b) => op.Add(a, b)),
        inputs,
      );
      const foreign = topological(second)
        .map((node) => node.operator)
        .filter(({ name }) => operatorNamed(name) === undefined && name !== "Input" && name !== "Constant");
      expect(foreign).toEqual([]);
    }
  });

  test("ties share the derivative of a maximum", () => {
    const [a, b] = inputs64([[2], [2]]) as [Value, Value];
    const feeds = { x0: { shape: [2], data: [1, 3] }, x1: { shape: [2], data: [1, 2] } };
    const slopes = grad(op.ReduceSum(op.Max(a, b), { keepdims: false }), [a, b]);
    expect(evaluate(slopes, feeds).map(({ data }) => [...data])).toEqual([
      [0.5, 1],
      [0.5, 0],
    ]);
  });
});

const tasks = 3;
describe("vmap", () => {
  for (const [name, list] of table)
    list.forEach((c, n) => {
      const patterns = Array.from({ length: 2 ** c.shapes.length - 1 }, (_, i) =>
        c.shapes.map((_s, bit) => ((i + 1) >> bit) & 1),
      );
      test.each(patterns.map((p) => [p.join(""), p] as const))(`${name} ${n + 1}: batched inputs %s`, (_, pattern) => {
        const next = randomNumbers(n + 11);
        const single = inputs64(c.shapes);
        const many = c.shapes.map((shape, i) => input(`many${i}`, [tasks, ...shape], "float64"));
        const shared = feedsOf(c, next);
        const perTask = Array.from({ length: tasks }, () => feedsOf(c, next));
        const joined = Object.fromEntries(
          c.shapes.map((shape, i) => [
            `many${i}`,
            { shape: [tasks, ...shape], data: perTask.flatMap((feeds) => [...Array.from(feeds[`x${i}`]!.data)]) },
          ]),
        );
        const [batched] = vmap(
          (...slices) => [c.build(...single.map((x, i) => (pattern[i] ? slices.shift()! : x)))],
          many.filter((_x, i) => pattern[i]),
        );
        const [got] = evaluate([batched!], { ...shared, ...joined });
        const one = c.build(...single);
        const loop = perTask.map((feeds) => {
          const mixed = Object.fromEntries(
            c.shapes.map((_s, i) => [`x${i}`, pattern[i] ? feeds[`x${i}`]! : shared[`x${i}`]!]),
          );
          return evaluate([one], mixed)[0]!;
        });
        expect(got!.shape).toEqual([tasks, ...loop[0]!.shape]);
        expect(got!.dtype).toBe(one.dtype);
        expect(
          distance(
            got!.data,
            loop.flatMap(({ data }) => [...data]),
          ),
        ).toBeLessThan(1e-9);
      });
    });

  test("of vmap: two task axes at once", () => {
    const x = input("x", [2, 3, 4, 4, 2], "float64");
    const w = input("w", [2, 3, 2, 2, 2, 1], "float64");
    const images = op.Unsqueeze(x, [2]);
    const inner = (a: Value, b: Value) => vmap((i, k) => [op.MaxPooling(op.Convolution(i, k), [2, 2])], [a, b]);
    const [both] = vmap(inner, [images, w]);
    const next = randomNumbers(2);
    const feeds = { x: numbers([2, 3, 4, 4, 2], next), w: numbers([2, 3, 2, 2, 2, 1], next) };
    const [got] = evaluate([both!], feeds);
    const at = (v: Value, i: number, j: number) => op.Squeeze(op.Slice(v, [i, j], [i + 1, j + 1], [0, 1]), [0, 1]);
    const loop = [0, 1].flatMap((i) =>
      [0, 1, 2].map((j) => op.MaxPooling(op.Convolution(at(images, i, j), at(w, i, j)), [2, 2])),
    );
    expect(
      distance(
        got!.data,
        evaluate(loop, feeds).flatMap(({ data }) => [...data]),
      ),
    ).toBeLessThan(1e-12);
  });

  test("a gradient inside: per-task gradients of shared weights", () => {
    const [w, x] = [input("w", [3], "float64"), input("x", [4, 3], "float64")];
    const [slopes] = vmap((row) => grad(op.Tanh(op.MatMul(row, w)), [w]), [x]);
    const feeds = { w: numbers([3], randomNumbers(8)), x: numbers([4, 3], randomNumbers(9)) };
    const rows = [0, 1, 2, 3].map(
      (i) => gradients(op.Tanh(op.MatMul(op.Squeeze(op.Slice(x, [i], [i + 1])), w)), [w])[0]!,
    );
    const expected = evaluate(rows, feeds).flatMap(({ data }) => [...data]);
    expect(distance(evaluate([slopes!], feeds)[0]!.data, expected)).toBeLessThan(1e-12);
  });
});
