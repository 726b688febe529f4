// Every operator on small arrays, with its derivative where kernels of their own compute it: what each engine has to get right.
import { constant, grad, op, operators, topological, type Value, vmap } from "@innerloop/graph";
import type { DType, Tensor } from "@innerloop/schemas";
import { cases as graphCases } from "../graph/cases.ts";
import { cases, on, tensor, withGradient } from "./case.ts";

const named = op as unknown as Record<string, (...x: unknown[]) => Value>;
const bools = (...shape: number[]) => tensor(shape, 0, 1, "bool");
const whole = (dtype: DType, ...shape: number[]) => tensor(shape, -4, 4, dtype);

for (const name of [
  "Neg",
  "Abs",
  "Sign",
  "Exp",
  "Sin",
  "Cos",
  "Tan",
  "Atan",
  "Sinh",
  "Cosh",
  "Tanh",
  "Sigmoid",
  "Softplus",
])
  on(name, (x) => named[name]!(x), tensor([3, 4], -1.4, 1.4));
for (const name of ["Relu", "Erf", "Floor", "Ceil", "Round", "Positive"])
  on(name, (x) => named[name]!(x), tensor([3, 4], -3, 3));
for (const name of ["Log", "Sqrt", "Reciprocal"]) on(name, (x) => named[name]!(x), tensor([3, 4], 0.3, 3));
on("Round of halves", op.Round, {
  dtype: "float32",
  shape: [6],
  data: Float32Array.of(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5),
});
on("IsNaN", (x) => op.Cast(op.IsNaN(x), "float32"), {
  dtype: "float32",
  shape: [3],
  data: Float32Array.of(1, Number.NaN, 0),
});
on("Not", op.Not, bools(2, 3));
on("Neg of int64", op.Neg, whole("int64", 5));

const shapes: readonly (readonly [number[], number[]])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [[2, 3], []],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [
    [1, 3, 4],
    [2, 1, 4],
  ],
  [
    [2, 1, 2, 1, 3, 2],
    [3, 1, 2, 1, 2],
  ],
  [
    [2, 1, 2, 1, 2, 1, 2],
    [1, 2, 1, 2, 1, 2, 1],
  ],
];
for (const [a, b] of shapes) {
  const title = (name: string) => `${name} of [${a}] and [${b}]`;
  for (const name of ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min"])
    on(title(name), (x, y) => named[name]!(x, y), tensor(a, 0.5, 2), tensor(b, 0.5, 2));
  for (const name of ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"])
    on(title(name), (x, y) => named[name]!(x, y), whole("float32", ...a), whole("float32", ...b));
  for (const name of ["And", "Or", "Xor"]) on(title(name), (x, y) => named[name]!(x, y), bools(...a), bools(...b));
  for (const name of ["Add", "Sub", "Mul", "Equal", "Less"])
    on(`${title(name)}, int64`, (x, y) => named[name]!(x, y), whole("int64", ...a), whole("int64", ...b));
  on(title("Add and Less, of one shape,"), (x, y) => [op.Add(x, x), op.Less(y, y)], tensor(a), tensor(b));
  on(title("Where"), (c, x, y) => op.Where(c, x, y), bools(...b), tensor(a), tensor(b));
  on(title("Expand"), (x, y) => op.Expand(y, op.Add(x, y).shape), tensor(a), tensor(b));
}
on("Expand of bool", (x) => op.Expand(x, [2, 3, 4]), bools(3, 1));
on("Expand of int64", (x) => op.Expand(x, [2, 3, 4]), whole("int64", 3, 1));
on("Cast", (x) => [op.Cast(x, "int64"), op.Cast(x, "bool"), op.Cast(x, "int32")], tensor([3, 4], -3, 3));
on("Cast of int64", (x) => [op.Cast(x, "float32"), op.Cast(x, "bool")], whole("int64", 7));
on("Cast of bool", (x) => [op.Cast(x, "float32"), op.Cast(x, "int64")], bools(7));
on("StopGradient", (x) => op.stopGradient(op.Mul(x, 2)), tensor([3]));

for (const [a, b] of [
  [
    [3, 4],
    [4, 2],
  ],
  [
    [2, 3, 4],
    [4, 2],
  ],
  [
    [2, 3, 4],
    [2, 4, 5],
  ],
  [
    [3, 4],
    [2, 4, 5],
  ],
  [
    [2, 3, 16, 17],
    [3, 17, 18],
  ],
  [
    [2, 1, 3, 4],
    [3, 4, 2],
  ],
  [
    [3, 32, 20],
    [3, 20, 24],
  ],
] as const)
  withGradient(`MatMul of [${a}] and [${b}]`, op.MatMul, tensor(a), tensor(b));
for (const axes of [[0], [1], [2], [0, 1], [0, 2], [0, 1, 2]])
  for (const name of ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"])
    on(
      `${name} over [${axes}]`,
      (x) => [named[name]!(x, { axes }), named[name]!(x, { axes, keepdims: false })],
      tensor([3, 4, 5]),
    );
on(
  "reductions of six axes",
  (x) => [op.ReduceSum(x, { axes: [1, 3, 4] }), op.ReduceMax(x, { axes: [0, 2], keepdims: false })],
  tensor([2, 3, 2, 2, 3, 2]),
);
on("ReduceSum of int64", (x) => op.ReduceSum(x, { axes: [0] }), whole("int64", 3, 4));
on("ArgMax and ArgMin", (x) => [op.ArgMax(x, 1), op.ArgMin(x, 0), op.ArgMax(x, 2, false)], tensor([3, 4, 5]));
for (const exclusive of [0, 1])
  for (const reverse of [0, 1])
    on(`CumSum ${exclusive} ${reverse}`, (x) => op.CumSum(x, 1, { exclusive, reverse }), tensor([2, 4, 3]));

on("Reshape", (x) => op.Reshape(x, [4, 6]), tensor([2, 3, 4]));
for (const perm of [
  [1, 0, 2],
  [2, 1, 0],
  [0, 2, 1],
])
  on(`Transpose [${perm}]`, (x) => op.Transpose(x, perm), tensor([2, 3, 4]));
on(
  "Transpose of many axes",
  (x) => [
    op.Transpose(x, [0, 3, 1, 4, 2, 5]),
    op.Transpose(x, [5, 4, 3, 2, 1, 0]),
    op.Transpose(x, [2, 3, 4, 5, 0, 1]),
  ],
  tensor([2, 3, 2, 2, 3, 2]),
);
on("Transpose of int64 and bool", (x, y) => [op.Transpose(x), op.Transpose(y)], whole("int64", 2, 3), bools(2, 3));
for (const axis of [0, 1, 2])
  on(`Concat along ${axis}`, (x, y) => op.Concat([x, y, x], axis), tensor([2, 3, 4]), tensor([2, 3, 4]));
on(
  "Concat of int64 and bool",
  (x, y) => [op.Concat([x, x], 0), op.Concat([y, y], 1)],
  whole("int64", 2, 3),
  bools(2, 3),
);
on("Slice", (x) => op.Slice(x, [1, 0], [3, 2], [0, 2]), tensor([3, 2, 4]));
on("Slice of many axes", (x) => op.Slice(x, [1, 0], [2, 2], [1, 4]), tensor([2, 2, 2, 2, 3, 2]));
on("Slice backwards", (x) => op.Slice(x, [-1], [-5], [2], [-2]), tensor([3, 2, 4]));
const indices = (...list: number[]): Value => constant(list, undefined, "int64");
for (const axis of [0, 1, 2])
  withGradient(`Gather along ${axis}`, (x) => op.Gather(x, indices(1, -1, 0, 1), axis), tensor([2, 3, 2]));
on("Gather, indices in two axes", (x) => op.Gather(x, constant([0, 2, 1, 1], [2, 2], "int64"), 1), tensor([2, 3, 2]));
on("Gather of int64", (x) => op.Gather(x, indices(2, 0), 1), whole("int64", 2, 3));
on("Gather, indices given", (x, i) => op.Gather(x, i, 1), tensor([2, 3, 2]), tensor([2, 2], -3, 2, "int64"));
on("Pad", (x) => op.Pad(x, [1, 0, 2, 0], "constant", 0.5), tensor([2, 3]));
on("Pad of int64", (x) => op.Pad(x, [1, 0], "constant", 7), whole("int64", 3));
on("Pad by reflection", (x) => op.Pad(x, [1, 1, 1, 1], "reflect"), tensor([3, 3]));
on("Range", (x) => op.Add(op.Cast(op.Range(3), "float32"), x), tensor([3]));
on("OneHot", (i) => op.OneHot(i, 4), tensor([5], 0, 3, "int64"));

for (const [title, x, w, options] of [
  ["3×3", [2, 5, 6, 3], [3, 3, 3, 4], { pads: [1, 1, 1, 1] }],
  ["3×3, stride 2", [2, 7, 8, 3], [3, 3, 3, 4], { pads: [1, 1, 1, 1], strides: [2, 2] }],
  ["uneven pads and strides", [2, 6, 7, 2], [3, 2, 2, 3], { pads: [0, 1, 2, 0], strides: [2, 1] }],
  ["dilated", [1, 8, 7, 2], [3, 2, 2, 3], { pads: [1, 0, 1, 0], dilations: [2, 3] }],
  ["grouped", [2, 5, 5, 4], [3, 3, 2, 6], { pads: [1, 1, 1, 1], groups: 2 }],
  ["1-D", [2, 9, 3], [3, 3, 4], { pads: [1, 1], strides: [2] }],
  ["3-D", [1, 4, 3, 4, 2], [2, 2, 2, 2, 3], {}],
] as const) {
  withGradient(`Convolution ${title}`, (a, b) => op.Convolution(a, b, options), tensor(x), tensor(w));
  withGradient(
    `Convolution ${title}, twice differentiated`,
    (a, b) => {
      const y = op.Convolution(a, b, options);
      return op.Add(
        ...(grad(op.ReduceSum(op.Mul(y, op.Mul(y, y)), { keepdims: false }), [a, b]).map((g) =>
          op.ReduceSum(op.Mul(g, g), { keepdims: false }),
        ) as [Value, Value]),
      );
    },
    tensor(x),
    tensor(w, -0.5, 0.5),
  );
}
withGradient(
  "Convolution, weights of each task",
  (a, b) => vmap((x, w) => [op.Convolution(x, w, { pads: [1, 1, 1, 1], strides: [2, 2] })], [a, b])[0]!,
  tensor([3, 2, 5, 5, 2]),
  tensor([3, 3, 3, 2, 4]),
);
for (const [title, x, kernel, options] of [
  ["2×2", [2, 4, 6, 3], [2, 2], { strides: [2, 2] }],
  ["3×3, overlapping", [2, 7, 7, 2], [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }],
] as const) {
  withGradient(`MaxPooling ${title}`, (a) => op.MaxPooling(a, kernel, options), tensor(x));
  withGradient(
    `MaxPooling ${title}, twice differentiated`,
    (a) => {
      const y = op.MaxPooling(a, kernel, options);
      const [g] = grad(op.ReduceSum(op.Mul(y, op.Mul(y, y)), { keepdims: false }), [a]);
      return op.ReduceSum(op.Mul(g!, g!), { keepdims: false });
    },
    tensor(x),
  );
  on(`AveragePooling ${title}`, (a) => op.AveragePooling(a, kernel, options), tensor(x));
}
on(
  "MaxPooling of equals",
  (a) => [
    op.MaxPooling(a, [2, 2], { strides: [2, 2] }),
    grad(op.ReduceSum(op.MaxPooling(a, [2, 2], { strides: [2, 2] }), { keepdims: false }), [a])[0]!,
  ],
  { dtype: "float32", shape: [1, 4, 4, 1], data: new Float32Array(16).fill(2) },
);

for (const name of [
  "LeakyRelu",
  "Elu",
  "Celu",
  "Selu",
  "Gelu",
  "Swish",
  "HardSigmoid",
  "HardSwish",
  "Mish",
  "Softsign",
  "ThresholdedRelu",
])
  withGradient(name, (x) => named[name]!(x), tensor([3, 4], -4, 4));
withGradient("Gelu by tanh", (x) => op.Gelu(x, { approximate: "tanh" }), tensor([3, 4], -4, 4));
withGradient("PRelu", op.PRelu, tensor([3, 4]), tensor([4]));
on("Clip", (x) => [op.Clip(x, -1, 1), op.Clip(x, undefined, 0.5), op.Clip(x, 0.5)], tensor([3, 4]));
for (const axis of [0, 1]) {
  withGradient(`Softmax along ${axis}`, (x) => op.Softmax(x, axis), tensor([3, 4]));
  withGradient(`LogSoftmax along ${axis}`, (x) => op.LogSoftmax(x, axis), tensor([3, 4]));
}
on(
  "cross-entropy",
  (x, y) => [
    op.SoftmaxCrossEntropyLoss(x, y),
    op.SoftmaxCrossEntropyLoss(x, y, { reduction: "none" }),
    ...grad(op.SoftmaxCrossEntropyLoss(x, y), [x]),
  ],
  tensor([4, 3]),
  tensor([4], 0, 2, "int64"),
);
for (const norm of ["layer", "group", "batch", "instance"] as const)
  withGradient(
    `Normalize, ${norm}`,
    (x, g, b) => op.Normalize(x, g, b, norm),
    tensor([3, 4, 4, 16]),
    tensor([16]),
    tensor([16]),
  );
withGradient(
  "LayerNormalization",
  (x, g, b) => op.LayerNormalization(x, g, b),
  tensor([3, 8]),
  tensor([8]),
  tensor([8]),
);
withGradient(
  "GroupNormalization",
  (x, g, b) => op.GroupNormalization(x, g, b, 2),
  tensor([2, 4, 3, 3]),
  tensor([4]),
  tensor([4]),
);
withGradient(
  "InstanceNormalization",
  (x, g, b) => op.InstanceNormalization(x, g, b),
  tensor([2, 4, 3, 3]),
  tensor([4]),
  tensor([4]),
);
on(
  "BatchNormalization",
  (x, g, b, m, v) => op.BatchNormalization(x, g, b, m, v),
  tensor([2, 4, 3, 3]),
  tensor([4]),
  tensor([4]),
  tensor([4]),
  tensor([4], 0.5, 2),
);
withGradient(
  "Quantizing and back",
  (x) => {
    const scale = constant(0.25);
    return op.DequantizeLinear(op.QuantizeLinear(x, scale, { dtype: "int8" }), scale);
  },
  tensor([3, 4]),
);

// An operator that stands in none of these is tried on the graph room's cases.
const met = new Set(topological(cases.flatMap(({ outputs }) => outputs)).map((node) => node.operator.name));
for (const { name } of operators().filter((operator) => !met.has(operator.name)))
  graphCases[name]?.forEach(({ build, shapes: of, from = (x) => x }, i) => {
    const tensors = of.map(
      (shape) =>
        ({
          dtype: "float32",
          shape,
          data: Float32Array.from(tensor(shape, -1, 1).data as Float32Array, from),
        }) as Tensor,
    );
    withGradient(`${name} ${i + 1}`, build, ...tensors);
  });

export const operatorCases = cases;
