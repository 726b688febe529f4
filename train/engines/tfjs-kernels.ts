// What each operator of a graph is in TensorFlow.js: one table from operators to kernels, with detours where a backend's
// own kernel is wrong for the case or very slow (the WebAssembly backend broadcasts few operators quickly, gathers
// element by element, and multiplies batches of matrices in plain loops).
import { constantOf, type Dim, type Lowering, type Node, onnxTarget, type Value } from "@innerloop/graph";
import type { DType } from "@innerloop/schemas";
import type * as Core from "@tensorflow/tfjs-core";

type Tensor = Core.Tensor;
type Attributes = Node["attributes"];
type KernelDType = "float32" | "int32" | "bool";

/** Where kernels run, with what they may keep for the life of a program. */
export interface Device {
  readonly backend: string;
  run(kernel: string, inputs: Record<string, Tensor> | readonly Tensor[], attributes?: object): Tensor;
  /** Runs `compute` and frees every tensor made in it but the result. */
  tidy(compute: () => Tensor): Tensor;
  /** An int32 tensor that is made once under a name and kept. */
  table(name: string, make: () => Int32Array, shape: readonly number[]): Tensor;
}

/** One node with every size known. */
export interface Site {
  readonly inputs: readonly Place[];
  readonly output: { readonly shape: readonly number[]; readonly dtype: DType };
  readonly attributes: Attributes;
  /** The number that a size stands for. */
  size(dim: Dim): number;
}

interface Place {
  readonly value: Value;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A kernel made ready for one node: what a run calls. */
export type Call = (inputs: readonly Tensor[]) => Tensor;
type Kernel = (site: Site, device: Device) => Call;

/** The dtype that numbers have on the device: there are no 64-bit ones. */
export const kernelDType = (dtype: DType): KernelDType =>
  dtype === "float32" || dtype === "float64" ? "float32" : dtype === "bool" ? "bool" : "int32";

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);
const isWasm = (device: Device): boolean => device.backend === "wasm";
const reshape = (device: Device, x: Tensor, shape: readonly number[]): Tensor =>
  device.run("Reshape", { x }, { shape });

/** Backends have quick code for up to so many axes, and some kernels none at all for more. */
const axesAtMost = 4;
/** The vectorized code of the WebAssembly backend (XNNPACK) repeats operands of up to so many axes, and is wrong for more. */
const repeatedAxesAtMost = 6;

/** Joins neighbouring axes that `together` says behave alike: the sizes of `shape` after that. */
function joinAxes(shape: readonly number[], together: (axis: number) => boolean): number[] {
  const joined: number[] = [];
  shape.forEach((size, axis) => {
    if (axis > 0 && together(axis)) joined[joined.length - 1]! *= size;
    else joined.push(size);
  });
  return joined;
}

/** A shape with ones in front up to a rank. */
const padded = (shape: readonly number[], rank: number): number[] => [
  ...new Array<number>(rank - shape.length).fill(1),
  ...shape,
];

/** Two operands' shapes with neighbouring axes joined that both repeat, or neither does. */
function joinBroadcast(a: readonly number[], b: readonly number[], out: readonly number[]): [number[], number[]] {
  const [left, right] = [padded(a, out.length), padded(b, out.length)];
  const repeats = (shape: readonly number[], axis: number) => shape[axis] === 1 && out[axis] !== 1;
  const together = (axis: number) =>
    repeats(left, axis) === repeats(left, axis - 1) && repeats(right, axis) === repeats(right, axis - 1);
  return [joinAxes(left, together), joinAxes(right, together)];
}

const unary =
  (kernel: string, attributes?: object): Kernel =>
  (_, device) =>
  ([x]) =>
    device.run(kernel, { x: x! }, attributes);

/** What of the WebAssembly backend repeats operands in vectorized code; the rest gets operands of one shape. */
const repeatsQuickly = new Set(["Add", "Sub", "Multiply", "RealDiv", "SquaredDifference"]);

const binary =
  (kernel: string): Kernel =>
  ({ inputs: [a, b], output }, device) => {
    const run = (x: Tensor, y: Tensor) => device.run(kernel, { a: x, b: y });
    const [joinedA, joinedB] = joinBroadcast(a!.shape, b!.shape, output.shape);
    const quickly = repeatsQuickly.has(kernel) && output.dtype === "float32" && joinedA.length <= repeatedAxesAtMost;
    if (isWasm(device) && !quickly && !same(a!.shape, b!.shape)) {
      const flat = [product(output.shape)];
      const [left, right] = [expansion(a!, output.shape, device), expansion(b!, output.shape, device)];
      return ([x, y]) =>
        device.tidy(() =>
          reshape(device, run(reshape(device, left(x!), flat), reshape(device, right(y!), flat)), output.shape),
        );
    }
    if (output.shape.length <= axesAtMost) return ([x, y]) => run(x!, y!);
    return ([x, y]) =>
      device.tidy(() => reshape(device, run(reshape(device, x!, joinedA), reshape(device, y!, joinedB)), output.shape));
  };

/** Repeats a tensor by broadcasting; the tensor itself where it has the shape already. */
function expansion({ value, shape, dtype }: Place, target: readonly number[], device: Device): (x: Tensor) => Tensor {
  if (same(shape, target)) return (x) => x;
  const known = constantOf(value);
  const type = kernelDType(dtype);
  const fill = (number: number) => device.run("Fill", {}, { shape: target, value: number, dtype: type });
  if (known && known.data.length === 1) return () => fill(known.data[0]!);
  const [from, to] = joinBroadcast(shape, target, target);
  if (isWasm(device) && type === "float32" && to.length <= repeatedAxesAtMost) {
    return (x) => {
      const ones = device.run("Fill", {}, { shape: to, value: 1, dtype: type });
      return reshape(device, device.run("Multiply", { a: ones, b: reshape(device, x, from) }), target);
    };
  }
  const reps = to.map((size, axis) => size / from[axis]!);
  return (x) => reshape(device, device.run("Tile", { x: reshape(device, x, from) }, { reps }), target);
}

const expand: Kernel = ({ inputs: [x], output }, device) => {
  if (same(x!.shape, output.shape)) return ([tensor]) => device.run("Identity", { x: tensor! });
  const repeat = expansion(x!, output.shape, device);
  return ([tensor]) => device.tidy(() => repeat(tensor!));
};

const where: Kernel = ({ inputs, output }, device) => {
  const [condition, t, e] = inputs.map((place) => expansion(place, output.shape, device));
  return ([c, x, y]) => device.tidy(() => device.run("Select", { condition: condition!(c!), t: t!(x!), e: e!(y!) }));
};

const cast: Kernel = ({ inputs: [x], output }, device) => {
  const [from, to] = [kernelDType(x!.dtype), kernelDType(output.dtype)];
  if (from === to) return ([tensor]) => device.run("Identity", { x: tensor! });
  if (to !== "bool") return ([tensor]) => device.run("Cast", { x: tensor! }, { dtype: to });
  return ([tensor]) =>
    device.tidy(() =>
      device.run("NotEqual", { a: tensor!, b: device.run("Fill", {}, { shape: x!.shape, value: 0, dtype: from }) }),
    );
};

/** Products smaller than this many multiplications are cheaper in one kernel, however slow it is. */
const smallProduct = 4096;

const matMul: Kernel = ({ inputs: [a, b], output }, device) => {
  const multiply = (x: Tensor, y: Tensor) =>
    device.run("BatchMatMul", { a: x, b: y }, { transposeA: false, transposeB: false });
  if (output.shape.length === 2) return ([x, y]) => multiply(x!, y!);
  const [m, n] = output.shape.slice(-2) as [number, number];
  const k = a!.shape.at(-1)!;
  const lead = output.shape.slice(0, -2);
  const [all, left, right] = [lead, a!.shape.slice(0, -2), b!.shape.slice(0, -2)].map(product) as [
    number,
    number,
    number,
  ];
  if (right === 1)
    return ([x, y]) =>
      device.tidy(() =>
        reshape(device, multiply(reshape(device, x!, [left * m, k]), reshape(device, y!, [k, n])), output.shape),
      );
  const whole = (place: Place, count: number) =>
    count === 1 || count === all ? (x: Tensor) => x : expansion(place, [...lead, ...place.shape.slice(-2)], device);
  const [wholeA, wholeB] = [whole(a!, left), whole(b!, right)];
  const [countA, countB] = [left === 1 ? 1 : all, right === 1 ? 1 : all];
  const one = (x: Tensor, count: number, i: number, rows: number, columns: number): Tensor => {
    const part = device.run("Slice", { x }, { begin: [count === 1 ? 0 : i, 0, 0], size: [1, rows, columns] });
    return reshape(device, part, [rows, columns]);
  };
  return ([x, y]) =>
    device.tidy(() => {
      const [p, q] = [reshape(device, wholeA(x!), [countA, m, k]), reshape(device, wholeB(y!), [countB, k, n])];
      if (!isWasm(device) || m * k * n < smallProduct) return reshape(device, multiply(p, q), output.shape);
      const parts = Array.from({ length: all }, (_, i) => multiply(one(p, countA, i, m, k), one(q, countB, i, k, n)));
      return reshape(device, device.run("Concat", parts, { axis: 0 }), output.shape);
    });
};

const reduction =
  (kernel: string, axesName: string): Kernel =>
  ({ inputs: [x], output, attributes }, device) => {
    const axes = attributes.axes as readonly number[];
    const keepDims = attributes.keepdims as boolean;
    if (x!.shape.length <= axesAtMost)
      return ([tensor]) => device.run(kernel, { x: tensor! }, { [axesName]: axes, keepDims });
    const gone = (axis: number) => axes.includes(axis);
    const together = (axis: number) => gone(axis) === gone(axis - 1);
    const joined = joinAxes(x!.shape, together);
    const first = gone(0) ? 0 : 1;
    const joinedAxes = joined.map((_, axis) => axis).filter((axis) => axis % 2 === first);
    return ([tensor]) =>
      device.tidy(() =>
        reshape(
          device,
          device.run(kernel, { x: reshape(device, tensor!, joined) }, { [axesName]: joinedAxes, keepDims: false }),
          output.shape,
        ),
      );
  };

const arg =
  (kernel: string): Kernel =>
  ({ output, attributes: { axis } }, device) =>
  ([x]) =>
    device.tidy(() => reshape(device, device.run(kernel, { x: x! }, { axis }), output.shape));

const transpose: Kernel = ({ inputs: [x], output, attributes }, device) => {
  const perm = attributes.perm as readonly number[];
  if (perm.length <= axesAtMost) return ([tensor]) => device.run("Transpose", { x: tensor! }, { perm });
  const follows = (axis: number) => axis > 0 && perm[perm.indexOf(axis) - 1] === axis - 1;
  const joined = joinAxes(x!.shape, follows);
  const heads = perm.filter((axis) => !follows(axis));
  const sorted = [...heads].sort((a, b) => a - b);
  const order = heads.map((axis) => sorted.indexOf(axis));
  return ([tensor]) =>
    device.tidy(() =>
      reshape(device, device.run("Transpose", { x: reshape(device, tensor!, joined) }, { perm: order }), output.shape),
    );
};

/** Known indices become a table of rows, which are copied whole. */
const gather: Kernel = ({ inputs: [x, indices], output, attributes }, device) => {
  const axis = attributes.axis as number;
  const size = x!.shape[axis]!;
  const [outer, inner] = [product(x!.shape.slice(0, axis)), product(x!.shape.slice(axis + 1))];
  const known = constantOf(indices!.value);
  if (!known)
    return ([tensor, at]) =>
      device.tidy(() => {
        const length = device.run("Fill", {}, { shape: indices!.shape, value: size, dtype: "int32" });
        const fromStart = device.run("Mod", { a: at!, b: length });
        return device.run("GatherV2", { x: tensor!, indices: fromStart }, { axis, batchDims: 0 });
      });
  const count = known.data.length;
  const rows = device.table(
    `rows ${indices!.value.node.id} ${outer} ${size}`,
    () =>
      Int32Array.from({ length: outer * count }, (_, i) => {
        const index = known.data[i % count]!;
        return Math.floor(i / count) * size + (index < 0 ? index + size : index);
      }),
    [outer * count, 1],
  );
  return ([tensor]) =>
    device.tidy(() =>
      reshape(
        device,
        device.run("GatherNd", { params: reshape(device, tensor!, [outer * size, inner]), indices: rows }),
        output.shape,
      ),
    );
};

const slice: Kernel = ({ inputs: [x], output, attributes, size }, device) => {
  const begin = x!.shape.map((_, axis) => (axis === attributes.axis ? size(attributes.start as Dim) : 0));
  return ([tensor]) => device.run("Slice", { x: tensor! }, { begin, size: output.shape });
};

const pad: Kernel = ({ attributes }, device) => {
  const after = attributes.after as readonly number[];
  const paddings = (attributes.before as readonly number[]).map((n, axis) => [n, after[axis]!]);
  return ([x]) => device.run("PadV2", { x: x! }, { paddings, constantValue: attributes.value });
};

const cumulativeSum: Kernel =
  ({ attributes: { axis, exclusive, reverse } }, device) =>
  ([x]) =>
    device.run("Cumsum", { x: x! }, { axis, exclusive: Boolean(exclusive), reverse: Boolean(reverse) });

const convolution =
  (kernel: string, operands: (x: Tensor, y: Tensor) => Record<string, Tensor>, shapeName?: string): Kernel =>
  ({ output, attributes }, device) => {
    const [before, after] = [attributes.before as number[], attributes.after as number[]];
    const settings = {
      strides: attributes.strides,
      dilations: attributes.dilations,
      pad: [[0, 0], ...before.map((n, i) => [n, after[i]!]), [0, 0]],
      dataFormat: "NHWC",
      ...(shapeName ? { [shapeName]: output.shape } : {}),
    };
    return ([x, y]) => device.run(kernel, operands(x!, y!), settings);
  };

/** Operator → kernel. What is not here is taken apart until it is. */
export const kernels: Readonly<Record<string, Kernel>> = {
  ...Object.fromEntries(
    ["Neg", "Abs", "Sign", "Exp", "Log", "Sqrt", "Reciprocal", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Tanh"].map(
      (name) => [name, unary(name)],
    ),
  ),
  ...Object.fromEntries(
    ["Sigmoid", "Softplus", "Relu", "Erf", "Floor", "Ceil", "Round"].map((name) => [name, unary(name)]),
  ),
  Positive: unary("Step", { alpha: 0 }),
  IsNaN: unary("IsNan"),
  Not: unary("LogicalNot"),
  Add: binary("Add"),
  Sub: binary("Sub"),
  Mul: binary("Multiply"),
  Div: binary("RealDiv"),
  Pow: binary("Pow"),
  Max: binary("Maximum"),
  Min: binary("Minimum"),
  Equal: binary("Equal"),
  Less: binary("Less"),
  LessOrEqual: binary("LessEqual"),
  Greater: binary("Greater"),
  GreaterOrEqual: binary("GreaterEqual"),
  And: binary("LogicalAnd"),
  Or: binary("LogicalOr"),
  Xor: binary("NotEqual"),
  Where: where,
  Cast: cast,
  MatMul: matMul,
  ReduceSum: reduction("Sum", "axis"),
  ReduceProd: reduction("Prod", "axis"),
  ReduceMax: reduction("Max", "reductionIndices"),
  ReduceMin: reduction("Min", "axis"),
  ArgMax: arg("ArgMax"),
  ArgMin: arg("ArgMin"),
  CumSum: cumulativeSum,
  Reshape:
    ({ output }, device) =>
    ([x]) =>
      reshape(device, x!, output.shape),
  Transpose: transpose,
  Expand: expand,
  Concat:
    ({ attributes: { axis } }, device) =>
    (inputs) =>
      device.run("Concat", inputs, { axis }),
  Slice: slice,
  Gather: gather,
  Pad: pad,
  Range:
    ({ output }, device) =>
    () =>
      device.run("Range", {}, { start: 0, stop: output.shape[0], step: 1, dtype: "int32" }),
  Convolution: convolution("Conv2D", (x, filter) => ({ x, filter })),
  ConvolutionInputGradient: convolution("Conv2DBackpropInput", (dy, filter) => ({ dy, filter }), "inputShape"),
  ConvolutionWeightGradient: convolution("Conv2DBackpropFilter", (x, dy) => ({ x, dy }), "filterShape"),
};

/** Sums over the first axes as products with a row of ones, which the WebAssembly backend does 20 times faster. */
export const leadingSum: Lowering = (inputs, attributes, outputs) =>
  (attributes.axes as readonly number[])[0] === 0
    ? onnxTarget().lowerings.ReduceSum?.(inputs, attributes, outputs)
    : undefined;
