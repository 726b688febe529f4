// Every operator: its numbers against the ONNX standard's reference, its first and second derivatives against central
// differences, its batching against a loop over tasks, and the closure of the operators under differentiation.
import { readFileSync } from "node:fs";
import {
  constant,
  cotangents,
  evaluate,
  grad,
  gradients,
  input,
  type Numbers,
  op,
  operatorNamed,
  operators,
  readOnnx,
  simplify,
  spellings,
  topological,
  type Value,
  vmap,
} from "@innerloop/graph";
import { describe, expect, test } from "vitest";
import { differences, distance, inputs64, numbers, randomNumbers, weighed } from "./numbers.ts";

interface Case {
  readonly build: (...x: Value[]) => Value;
  readonly shapes: readonly (readonly number[])[];
  /** What inputs are drawn from: −1…1 unless given. */
  readonly from?: (x: number) => number;
}

const on = (build: Case["build"], ...shapes: (readonly number[])[]): Case => ({ build, shapes });
const positive = (x: number): number => Math.abs(x) + 0.5;
const onPositive = (build: Case["build"], ...shapes: (readonly number[])[]): Case => ({
  build,
  shapes,
  from: positive,
});

const matrix = [2, 3];
const broadcasts: (readonly number[])[][] = [
  [matrix, matrix],
  [matrix, [3]],
  [[3], matrix],
  [
    [2, 1],
    [1, 3],
  ],
];
const reduceOptions = [{}, { axes: [1] }, { axes: [0], keepdims: false }, { axes: [0, -1] }];

const each = (names: string, build: (name: string) => Case[]): Record<string, Case[]> =>
  Object.fromEntries(names.split(" ").map((name) => [name, build(name)]));
const named = op as unknown as Record<string, (...x: unknown[]) => Value>;
const integers = (list: readonly number[], shape: readonly number[] = [list.length]): Value =>
  constant(list, shape, "int64");

const window = { pads: [1, 1, 1, 1], strides: [2, 2] };
const convolution = (x: Value, w: Value): Value => op.Convolution(x, w, window);
const grouped = { pads: [1, 0, 1, 2], dilations: [2, 1], groups: 2 };
const pooling = (x: Value): Value => op.MaxPooling(x, [3, 3], window);

const cases: Record<string, Case[]> = {
  ...each(
    "Neg Abs Exp Sin Cos Tan Atan Sinh Cosh Erf Tanh Sigmoid Softplus Relu Mish Softsign HardSwish HardSigmoid Elu Celu Selu LeakyRelu Swish",
    (name) => [on((x) => named[name]!(x), matrix)],
  ),
  ...each("Log Sqrt Reciprocal", (name) => [onPositive((x) => named[name]!(x), matrix)]),
  ...each("Add Sub Mul Div Max Min", (name) => broadcasts.map((s) => on((a, b) => named[name]!(a, b), ...s))),
  ...each("Sum Mean", (name) => [on((a, b, c) => named[name]!(a, b, c), matrix, [3], [2, 1])]),
  Pow: [onPositive((a, b) => op.Pow(a, b), matrix, [3]), on((a) => op.Pow(a, 3), matrix)],
  Where: [on((a, b) => op.Where(op.Greater(a, b), op.Mul(a, b), op.Sin(b)), matrix, [3])],
  Cast: [on((x) => op.Cast(op.Cast(x, "float32"), "float64"), matrix)],
  CastLike: [on((x, y) => op.Mul(op.CastLike(x, y), y), matrix, matrix)],
  Clip: [on((x) => op.Clip(x, -0.5, 0.4), [7]), on((x, low) => op.Clip(x, low), matrix, [])],
  Gelu: [on((x) => op.Gelu(x), [5]), on((x) => op.Gelu(x, { approximate: "tanh" }), [5])],
  ThresholdedRelu: [on((x) => op.ThresholdedRelu(x, { alpha: 0.1 }), [7])],
  PRelu: [on((x, slope) => op.PRelu(x, slope), [3, 4], [4])],
  Softmax: [on((x) => op.Softmax(x), [3, 4]), on((x) => op.Softmax(x, 0), [3, 4])],
  LogSoftmax: [on((x) => op.LogSoftmax(x), [3, 4]), on((x) => op.LogSoftmax(x, 0), [3, 4])],
  MatMul: [
    [matrix, [3, 4]],
    [
      [5, 2, 3],
      [3, 4],
    ],
    [
      [5, 2, 3],
      [5, 3, 4],
    ],
    [matrix, [5, 3, 4]],
    [
      [2, 1, 2, 3],
      [3, 3, 2],
    ],
    [[3], [3, 4]],
    [matrix, [3]],
    [[3], [3]],
  ].map((shapes) => on((a, b) => op.MatMul(a, b), ...shapes)),
  Gemm: [on((a, b, c) => op.Gemm(a, b, c, { alpha: 0.5, beta: 2, transA: 1, transB: 1 }), [3, 2], [4, 3], [4])],
  ...each("ReduceSum ReduceMax ReduceMin ReduceMean ReduceL1 ReduceL2 ReduceLogSumExp ReduceSumSquare", (name) =>
    reduceOptions.map((options) => on((x) => named[name]!(x, options), [2, 3, 2])),
  ),
  ...each("ReduceProd ReduceLogSum", (name) =>
    reduceOptions.map((options) => onPositive((x) => named[name]!(x, options), [2, 3, 2])),
  ),
  CumSum: [0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse) => on((x) => op.CumSum(x, 1, { exclusive, reverse }), [2, 4])),
  ),
  StopGradient: [on((x) => op.Mul(x, op.stopGradient(op.Add(constant(2, [], "float64"), op.Sign(x)))), matrix)],
  Reshape: [on((x) => op.Reshape(x, [3, -1]), [2, 6])],
  Transpose: [on((x) => op.Transpose(x, [2, 0, 1]), [2, 3, 4])],
  Expand: [on((x) => op.Expand(x, [4, 2, 3]), [2, 1])],
  Concat: [on((a, b) => op.Concat([a, b, a], 1), matrix, [2, 1])],
  Slice: [
    on((x) => op.Slice(x, [1, 0], [3, 2], [1, 0]), [3, 4]),
    on((x) => op.Slice(x, [-1], [-100], [1], [-2]), [3, 5]),
  ],
  Gather: [
    on((x) => op.Gather(x, integers([2, 0, 2]), 1), [2, 3, 2]),
    on((x) => op.Gather(x, integers([-1, 0, 1, -3], [2, 2]), 1), [2, 3, 2]),
    on((x, at) => op.Gather(x, op.Cast(op.Mul(at, 2.9), "int64"), 1), [2, 3], [4]),
    on((x, at) => op.Gather(x, op.Cast(op.Mul(at, 2.9), "int64"), 0), [3, 2], [2, 2]),
  ],
  Pad: [
    on((x) => op.Pad(x, [1, 0, 0, 2], "constant", 1.5), matrix),
    on((x) => op.Pad(x, [1, 1, 1, 2], "reflect"), [3, 4]),
    on((x) => op.Pad(x, [1, 1, 1, 2], "edge"), matrix),
    on((x) => op.Pad(x, [1, 1, 1, 2], "wrap"), matrix),
    on((x) => op.Pad(x, [-1, 1, 0, 0]), [3, 4]),
  ],
  Squeeze: [on((x) => op.Squeeze(x, [-1]), [2, 1])],
  Unsqueeze: [on((x) => op.Unsqueeze(x, [0, -1]), matrix)],
  Flatten: [on((x) => op.Flatten(x), [2, 3, 2])],
  Split: [on((x) => op.Mul(op.Split(x, [1, 3], 1)[0]!, op.Split(x, 2, 1)[1]!), [2, 4])],
  Tile: [on((x) => op.Tile(x, [2, 3]), [2, 2])],
  DepthToSpace: [on((x) => op.DepthToSpace(x, 2), [1, 4, 2, 1]), on((x) => op.DepthToSpace(x, 2, "CRD"), [1, 8, 1, 2])],
  SpaceToDepth: [on((x) => op.SpaceToDepth(x, 2), [1, 1, 4, 2])],
  Identity: [on((x) => op.Identity(x), matrix)],
  Dropout: [on((x) => op.Dropout(x), matrix)],
  Convolution: [
    on(convolution, [2, 5, 4, 2], [3, 3, 2, 3]),
    on((x, w) => op.Convolution(x, w, grouped), [1, 5, 4, 4], [2, 2, 2, 4]),
    on((x, w) => op.Convolution(x, w, { pads: [1, 1] }), [2, 6, 2], [3, 2, 3]),
    on((x, w) => op.Convolution(x, w), [1, 3, 3, 2, 1], [2, 2, 2, 1, 2]),
  ],
  ConvolutionInputGradient: [
    on((g, x, w) => cotangents([convolution(x, w)], [g], [x])[0]!, [2, 3, 2, 3], [2, 5, 4, 2], [3, 3, 2, 3]),
  ],
  ConvolutionWeightGradient: [
    on((g, x, w) => cotangents([convolution(x, w)], [g], [w])[0]!, [2, 3, 2, 3], [2, 5, 4, 2], [3, 3, 2, 3]),
  ],
  Conv: [on((x, w, b) => op.Conv(x, w, b, { pads: [1, 1, 1, 1], strides: [2, 1] }), [2, 2, 4, 4], [3, 2, 3, 3], [3])],
  ConvTranspose: [
    on((x, w, b) => op.ConvTranspose(x, w, b, { ...window, outputPadding: [1, 1] }), [2, 2, 3, 2], [2, 3, 3, 3], [3]),
    on((x, w) => op.ConvTranspose(x, w, undefined, { group: 2 }), [1, 4, 2, 2], [4, 1, 2, 2]),
  ],
  MaxPooling: [on((x) => op.MaxPooling(x, [2, 2], { strides: [2, 2] }), [2, 4, 4, 2]), on(pooling, [1, 5, 5, 2])],
  MaxPoolingGradient: [on((g, x) => cotangents([pooling(x)], [g], [x])[0]!, [1, 3, 3, 2], [1, 5, 5, 2])],
  MaxPoolingSelection: [
    on(
      (t, g, x) => cotangents([cotangents([pooling(x)], [g], [x])[0]!], [t], [g])[0]!,
      [1, 5, 5, 2],
      [1, 3, 3, 2],
      [1, 5, 5, 2],
    ),
  ],
  MaxPool: [on((x) => op.MaxPool(x, [2, 2], { strides: [2, 2], ceilMode: true }), [1, 2, 5, 5])],
  AveragePool: [
    on((x) => op.AveragePool(x, [3, 3], { ...window, countIncludePad: true }), [1, 2, 5, 5]),
    on((x) => op.AveragePool(x, [2, 2], { strides: [2, 2] }), [1, 2, 4, 4]),
  ],
  GlobalAveragePool: [on((x) => op.GlobalAveragePool(x), [1, 2, 3, 4])],
  GlobalMaxPool: [on((x) => op.GlobalMaxPool(x), [1, 2, 3, 4])],
  Standardize: [on((x) => op.Standardize(x, [1, 2]), [2, 3, 2])],
  LayerNormalization: [on((x, g, b) => op.LayerNormalization(x, g, b), [2, 3, 4], [4], [4])],
  GroupNormalization: [on((x, g, b) => op.GroupNormalization(x, g, b, 2), [2, 4, 3], [4], [4])],
  InstanceNormalization: [on((x, g, b) => op.InstanceNormalization(x, g, b), [2, 3, 4], [3], [3])],
  BatchNormalization: [
    on(
      (x, g, b) =>
        op.BatchNormalization(x, g, b, constant(0, [1], "float64"), constant(1, [1], "float64"), {
          trainingMode: true,
        }),
      [4, 3],
      [3],
      [3],
    ),
    on((x, g, b, m, v) => op.BatchNormalization(x, g, b, m, op.Exp(v)), [2, 3, 2], [3], [3], [3], [3]),
  ],
  NegativeLogLikelihoodLoss: [
    on((x, w) => op.NegativeLogLikelihoodLoss(x, integers([1, 0, 3]), { weights: op.Exp(w) }), [3, 4], [4]),
  ],
  SoftmaxCrossEntropyLoss: [
    on((x) => op.SoftmaxCrossEntropyLoss(x, integers([1, 0, 3])), [3, 4]),
    on((x) => op.SoftmaxCrossEntropyLoss(x, integers([1, 0, 2, 2], [2, 2]), { reduction: "sum" }), [2, 3, 2]),
  ],
};

/** Operators whose derivative is zero wherever it exists, as functions of floats. */
const steps: Record<string, (x: Value) => Value> = {
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
  ArgMin: (x) => op.ArgMin(x, -1, false),
  OneHot: (x) => op.OneHot(op.Cast(op.Mul(x, 3), "int64"), 3, "float64"),
};

/** Operators that only name sizes or constants, and the loop, which tests of their own cover. */
const elsewhere = ["Range", "Constant", "ConstantOfShape", "Shape", "Size", "Loop"];

const feedsOf = ({ shapes, from = (x) => x }: Case, next: () => number): Record<string, Numbers> =>
  Object.fromEntries(shapes.map((shape, i) => [`x${i}`, numbers(shape, () => from(next()))]));

const table = Object.entries({
  ...cases,
  ...Object.fromEntries(Object.entries(steps).map(([name, build]) => [name, [on(build, [3, 4])]])),
});

/** Without what targets write some of these as: Conv in a file, which is a spelling here. */
const own = operators().filter(({ name }) => !spellings().some((spelled) => spelled.name === name));

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
  readonly inputs: Record<string, Numbers>;
  readonly outputs: Record<string, Numbers>;
}
const recorded = JSON.parse(
  readFileSync(new URL("recorded/operators.json", import.meta.url), "utf8"),
) as readonly Recorded[];

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

  test("every operator of ONNX has recorded numbers", () => {
    const names = new Set(recorded.map((r) => r.operator));
    const onnx = [...own.filter((o) => o.since !== undefined && o.since <= 21), ...spellings()];
    expect(onnx.map((o) => o.name).filter((name) => !names.has(name))).toEqual(["Loop"]);
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
