// Every engine that is here passes the same suite: each operator, gradients of a small network through the inner loop,
// tensors that stay on the device, and what is said of wrong calls. The reference is the graph room's float64 evaluation.
import {
  constant,
  cotangents,
  evaluate,
  grad,
  innerLoop,
  input,
  type Numbers,
  op,
  operators,
  type Parameters,
  topological,
  type Value,
  vmap,
} from "@innerloop/graph";
import { type DType, ELEMENTS, encodeNumbers, InnerloopError, type Tensor, type TypedArray } from "@innerloop/schemas";
import { type Engine, openEngine } from "@innerloop/train";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chosenEngines } from "../engines/chosen.ts";

const engines = await chosenEngines();

let seed = 1;
/** Evenly spread numbers between two bounds, the same in every run. */
function random(low: number, high: number): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return low + ((high - low) * seed) / 2 ** 32;
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function tensor(shape: readonly number[], low = -2, high = 2, dtype: DType = "float32"): Tensor {
  const whole = dtype !== "float32" && dtype !== "float64";
  const numbers = Array.from({ length: product(shape) }, () =>
    whole ? Math.floor(random(low, high + 1)) : random(low, high),
  );
  const data = new ELEMENTS[dtype].array(encodeNumbers(dtype, numbers).buffer);
  return { dtype, shape, data };
}

const numbersOf = ({ shape, data }: Tensor): Numbers => ({
  shape,
  data: Float64Array.from(data as Float32Array, Number),
});
const reference = (outputs: readonly Value[], feeds: Readonly<Record<string, Tensor>>) =>
  evaluate(outputs, Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, numbersOf(t)])));

/** The largest difference, as a part of the largest number. */
function distance(actual: TypedArray, expected: Float64Array): number {
  let [difference, size] = [0, 0];
  expected.forEach((value, i) => {
    const other = Number(actual[i]);
    if (Number.isNaN(value) !== Number.isNaN(other)) difference = Number.POSITIVE_INFINITY;
    if (Number.isFinite(value))
      [difference, size] = [Math.max(difference, Math.abs(value - other)), Math.max(size, Math.abs(value))];
  });
  return difference / Math.max(size, 1e-3);
}

interface Case {
  readonly title: string;
  readonly outputs: readonly Value[];
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const cases: Case[] = [];

/** A case: inputs `a`, `b`, … of these numbers, and what is made of them. */
function on(title: string, build: (...x: Value[]) => Value | readonly Value[], ...tensors: readonly Tensor[]): void {
  const names = tensors.map((_, i) => String.fromCharCode(97 + i));
  const made = build(...tensors.map(({ shape, dtype }, i) => input(names[i]!, shape, dtype)));
  const feeds = Object.fromEntries(tensors.map((t, i) => [names[i]!, t]));
  cases.push({ title, outputs: Array.isArray(made) ? made : [made as Value], feeds });
}

/** The same, with the derivative of Σ y·c for fixed c besides. */
function withGradient(title: string, build: (...x: Value[]) => Value, ...tensors: readonly Tensor[]): void {
  on(
    title,
    (...x) => {
      const y = build(...x);
      const c = constant(
        Array.from({ length: product(y.shape as number[]) }, () => random(-1, 1)),
        y.shape as number[],
      );
      return [y, ...cotangents([y], [c], x).filter((g) => g !== undefined)];
    },
    ...tensors,
  );
}

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

/** A network with what the models here are made of, smooth so that float32 and float64 see the same branches. */
function network(p: Parameters, x: Value): Value {
  const first = op.Add(
    op.MaxPooling(op.Convolution(x, p.conv1!, { pads: [1, 1, 1, 1] }), [2, 2], { strides: [2, 2] }),
    p.bias1!,
  );
  const hidden = op.Tanh(op.Normalize(first, p.gain1!, p.shift1!, "layer"));
  const second = op.Convolution(hidden, p.conv2!, { pads: [1, 1, 1, 1], strides: [2, 2] });
  const features = op.Silu(op.Normalize(second, p.gain2!, p.shift2!, "layer"));
  return op.Add(op.MatMul(op.Flatten(features), p.head!), p.headBias!);
}

const parameters: Readonly<Record<string, Tensor>> = {
  conv1: tensor([3, 3, 2, 4], -0.5, 0.5),
  bias1: tensor([4], -0.1, 0.1),
  gain1: tensor([4], 0.8, 1.2),
  shift1: tensor([4], -0.1, 0.1),
  conv2: tensor([3, 3, 4, 4], -0.4, 0.4),
  gain2: tensor([4], 0.8, 1.2),
  shift2: tensor([4], -0.1, 0.1),
  head: tensor([16, 3], -0.4, 0.4),
  headBias: tensor([3], -0.1, 0.1),
};
const names = Object.keys(parameters);

/** The meta-loss of second-order MAML with two inner steps, over one task or over some at once, and its gradient. */
function metaGradient(tasks?: number): Omit<Case, "title"> {
  const lead = tasks === undefined ? [] : [tasks];
  const theta = Object.fromEntries(names.map((name) => [name, input(name, parameters[name]!.shape)]));
  const data = {
    supportX: tensor([...lead, 6, 8, 8, 2], -1, 1),
    supportY: tensor([...lead, 6], 0, 2, "int64"),
    queryX: tensor([...lead, 4, 8, 8, 2], -1, 1),
    queryY: tensor([...lead, 4], 0, 2, "int64"),
  };
  const loss = (p: Parameters, x: Value, y: Value): Value => op.SoftmaxCrossEntropyLoss(network(p, x), y);
  const task = (sx: Value, sy: Value, qx: Value, qy: Value): Value => {
    const rates = Object.fromEntries(names.map((name) => [name, 0.1]));
    const { adapted } = innerLoop((p) => loss(p, sx, sy), theta, { steps: 2, rates });
    return loss(adapted, qx, qy);
  };
  const inputs = Object.entries(data).map(([name, { shape, dtype }]) => input(name, shape, dtype)) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const total =
    tasks === undefined
      ? task(...inputs)
      : op.ReduceMean(vmap((...x) => [task(...(x as typeof inputs))], inputs)[0]!, { keepdims: false });
  return {
    outputs: [total, ...grad(total, Object.values(theta))],
    feeds: { ...parameters, ...data },
  };
}

const metaCases = [
  { title: "the meta-gradient of one task", ...metaGradient() },
  { title: "the meta-gradient of three tasks at once", ...metaGradient(3) },
].map((it) => ({ ...it, expected: reference(it.outputs, it.feeds) }));
const expectedOf = new Map(cases.map((it) => [it, reference(it.outputs, it.feeds)]));

const outputsOf = (values: readonly Value[]): Record<string, Value> =>
  Object.fromEntries(values.map((value, i) => [`output${i}`, value]));

async function refusal(call: Promise<unknown>): Promise<InnerloopError> {
  const error = await call.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(InnerloopError);
  return error as InnerloopError;
}

it("has a case for every operator", () => {
  const nodes = topological([...cases, ...metaCases].flatMap((it) => it.outputs));
  const met = new Set(nodes.map((node) => node.operator.name));
  // Made by lowering only, or made for exported graphs only.
  for (const name of ["Conv", "ConvTranspose", "Loop"]) met.add(name);
  // Of known size it is a constant; the test of open sizes has it.
  met.add("Range");
  const missing = operators().filter(({ name }) => !met.has(name));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

for (const { name, available, reason } of engines) {
  const title = available ? name : `${name} (absent: ${reason})`;
  describe.skipIf(!available)(title, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = (await openEngine(name)).engine;
    });
    afterAll(() => engine?.dispose());

    async function compare(
      { outputs, feeds }: Omit<Case, "title">,
      expected: ReturnType<typeof evaluate>,
      most: number,
      computing = engine,
    ) {
      const program = await computing.compile({ outputs: outputsOf(outputs) });
      const results = await program.run(
        Object.fromEntries(program.inputs.map((port) => [port.name, feeds[port.name]!])),
      );
      await program.dispose();
      outputs.forEach((value, i) => {
        const result = results[`output${i}`]!;
        expect(result.dtype).toBe(value.dtype);
        expect(result.shape).toEqual(expected[i]!.shape);
        expect(distance(result.data, expected[i]!.data)).toBeLessThan(most);
      });
    }

    it.each(cases)("computes $title", (it) => compare(it, expectedOf.get(it)!, 1e-5));
    it.each(metaCases)("computes $title", (it) => compare(it, it.expected, 2e-5));

    // What the engine does by itself is one of them, and the other may be asked for.
    describe.skipIf(!name.startsWith("onnxruntime:")).each(["columns", "native"] as const)(
      "convolutions as %s",
      (convolution) => {
        let own: Engine;
        beforeAll(async () => {
          own = (await openEngine(name, { convolution })).engine;
        });
        afterAll(() => own?.dispose());

        const convolutions = cases.filter(({ title }) => title.startsWith("Convolution"));
        it.each(convolutions)("computes $title", (it) => compare(it, expectedOf.get(it)!, 1e-5, own));
        it.each(metaCases)("computes $title", (it) => compare(it, it.expected, 2e-5, own));
      },
    );

    it("keeps tensors on the device from one run to the next", async () => {
      const [x, rate] = [input("x", [3]), input("rate", [])];
      const start = tensor([3]);
      const program = await engine.compile({
        outputs: { next: op.Sub(x, op.Mul(rate, x)), same: x, fixed: constant([1, 2]) },
        initializers: { rate: { dtype: "float32", shape: [], data: Float32Array.of(0.5) } },
      });
      expect(program.inputs.find((port) => port.name === "rate")?.optional).toBe(true);
      const uploaded = engine.upload(start);
      let state = uploaded;
      for (let i = 0; i < 3; i++) {
        const { next, same, fixed } = await program.runOnDevice({ x: state });
        state.dispose();
        same!.dispose();
        expect([...(await fixed!.read()).data]).toEqual([1, 2]);
        fixed!.dispose();
        state = next!;
      }
      const kept = await state.read();
      expect(
        distance(
          kept.data,
          Float64Array.from(start.data as Float32Array, (v) => v / 8),
        ),
      ).toBeLessThan(1e-6);
      const { next } = await program.run({ x: kept, rate: { dtype: "float32", shape: [], data: Float32Array.of(1) } });
      expect([...next!.data]).toEqual([0, 0, 0]);
      expect((await refusal(program.run({ x: uploaded }))).code).toBe("disposed");
      state.dispose();
      await program.dispose();
    });

    it("takes int32 where int64 is wanted, and any size of a symbol", async () => {
      const x = input("x", ["n", 2, 2, 1]);
      const y = input("y", ["n"], "int64");
      const w = constant([1, 2, 3, -1, 0.5, 1, 0, 2], [2, 2, 1, 2]);
      const logits = op.Reshape(op.Convolution(x, w), ["n", 2]);
      const outputs = {
        hot: op.OneHot(y, 2),
        logits,
        count: op.Range("n"),
        spread: op.Expand(op.ReduceSum(logits), ["n", 1]),
      };
      const program = await engine.compile({ outputs });
      for (const n of [1, 3, 1]) {
        const feeds = { x: tensor([n, 2, 2, 1]), y: tensor([n], 0, 1, "int32") };
        const expected = reference(Object.values(outputs), feeds);
        const results = await program.run(feeds);
        Object.keys(outputs).forEach((key, i) => {
          expect(results[key]!.shape).toEqual(expected[i]!.shape);
          expect(distance(results[key]!.data, expected[i]!.data)).toBeLessThan(1e-5);
        });
      }
      await program.dispose();
    });

    it("leaves what it was fed and what it gave alone", async () => {
      const x = input("x", [2]);
      const program = await engine.compile({ outputs: { same: x, flat: op.Reshape(x, [1, 2]) } });
      const data = Float32Array.of(1, 2);
      const { same } = await program.runOnDevice({ x: { dtype: "float32", shape: [2], data } });
      const on = engine.upload({ dtype: "float32", shape: [2], data });
      data.fill(9);
      expect([...(await on.read()).data]).toEqual([1, 2]);
      (await same!.read()).data.fill(0 as never);
      expect([...(await same!.read()).data]).toEqual([1, 2]);
      await program.dispose();
      on.dispose();
      same!.dispose();
    });

    it("says what is wrong with a call", async () => {
      const x = input("x", [2, 3]);
      const program = await engine.compile({ outputs: { y: op.Mul(x, 2) } });
      const good = tensor([2, 3]);
      const elsewhere = {
        engine: "another",
        dtype: "float32",
        shape: [2, 3],
        read: async () => good,
        dispose() {},
      } as const;
      for (const [feeds, words] of [
        [{}, 'The input "x" (float32[2, 3]) is missing'],
        [{ x: tensor([3, 2]) }, "expected float32[2, 3]"],
        [{ x: tensor([2, 3], 0, 1, "int32") }, "got int32[2, 3]"],
        [{ x: { ...good, data: new Float32Array(5) } }, "got 5 numbers"],
        [{ x: good, z: good }, 'The input "z" was given'],
        [{ x: elsewhere }, "lives on another"],
      ] as const) {
        const error = await refusal(program.run(feeds));
        expect(error.code).toBe("bad-input");
        expect(error.message).toContain(words);
      }
      expect((await program.run({ x: good })).y!.shape).toEqual([2, 3]);
      await program.dispose();
      await program.dispose();
      expect((await refusal(program.run({ x: good }))).code).toBe("disposed");
    });

    it.skipIf(!name.startsWith("tfjs:"))("holds no more memory after 200 runs than after one", async () => {
      const { outputs, feeds } = metaCases[0]!;
      const before = tf.memory().numTensors;
      const program = await engine.compile({ outputs: outputsOf(outputs) });
      const state = Object.fromEntries(names.map((key) => [key, engine.upload(feeds[key]!)]));
      await program.run({ ...feeds, ...state });
      const after = tf.memory();
      for (let i = 0; i < (name === "tfjs:cpu" ? 20 : 200); i++) {
        const results = await program.runOnDevice({ ...feeds, ...state });
        for (const result of Object.values(results)) result.dispose();
      }
      await refusal(program.run({}));
      expect(tf.memory().numTensors).toBe(after.numTensors);
      expect(tf.memory().numBytes).toBe(after.numBytes);
      await program.dispose();
      for (const kept of Object.values(state)) kept.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });

    it("gives programs to other threads as bytes where it can", async () => {
      const { portable } = (await openEngine(name, { threads: 1 })).engine;
      if (!portable) return expect(name).toMatch(/^tfjs:/);
      const x = input("x", ["n", 2]);
      const rate = { dtype: "float32", shape: [], data: Float32Array.of(3) } as const;
      const bytes = portable.serialize({ outputs: { y: op.Mul(x, input("rate", [])) }, initializers: { rate } });
      const program = await portable.load(bytes);
      expect(program.inputs).toEqual([
        { name: "x", dtype: "float32", shape: ["n", 2], optional: false },
        { name: "rate", dtype: "float32", shape: [], optional: true },
      ]);
      expect([...(await program.run({ x: tensor([1, 2], 1, 1) })).y!.data]).toEqual([3, 3]);
      return program.dispose();
    });
  });
}

it("lets several engines be open at once", async () => {
  const x = input("x", [2]);
  const here = new Set([...engines.filter((it) => it.available).map((it) => it.name), "onnxruntime:cpu", "tfjs:cpu"]);
  const programs = await Promise.all(
    [...here].map(async (name) => (await openEngine(name)).engine.compile({ outputs: { y: op.Mul(x, x) } })),
  );
  const data = Float32Array.of(3, 4);
  for (let turn = 0; turn < 2; turn++)
    for (const { y } of await Promise.all(programs.map((it) => it.run({ x: { dtype: "float32", shape: [2], data } }))))
      expect([...y!.data]).toEqual([9, 16]);
  for (const program of programs) await program.dispose();
});
