// What each operator of a graph is in TensorFlow.js: one table from operators to kernels. A tensor is held in whatever shape
// of the same size suited the kernel that made it; each kernel says in which shapes it takes its operands, and neighbouring
// axes that behave alike become one, since kernels are quickest, or there at all, for few axes. Detours stand where a
// backend's own kernel is wrong for the case or very slow (the WebAssembly backend broadcasts few operators quickly,
// gathers element by element, and multiplies batches of matrices in plain loops).
import { constantOf, type Dim, type Lowering, type Node, onnxTarget, type Value } from "@innerloop/graph";
import { type DType, InnerloopError } from "@innerloop/schemas";
import type * as Core from "@tensorflow/tfjs-core";
import { type Broadcast, joinAxes, joinBroadcast, product, sameShape, sandwich } from "./tfjs-shapes.ts";

type Tensor = Core.Tensor;
type Shape = readonly number[];
type Attributes = Node["attributes"];
export type KernelDType = "float32" | "int32" | "bool";

/** Where kernels run, with what they may keep for the life of a program. */
export interface Device {
  /** The name that TensorFlow.js has for the backend. */
  readonly backend: string;
  run(kernel: string, inputs: Record<string, Tensor> | readonly Tensor[], attributes?: object): Tensor;
  /** Runs `compute` and frees every tensor made in it but the result. */
  tidy(compute: () => Tensor): Tensor;
  /** An int32 tensor that is made once under a name and kept; to be asked for while a kernel is made ready. */
  table(name: string, make: () => Int32Array, shape: Shape): Tensor;
  /** A number as a tensor, likewise. */
  number(value: number, dtype: KernelDType): Tensor;
}

/** One node with every size known. */
export interface Site {
  readonly inputs: readonly Place[];
  readonly output: { readonly shape: Shape; readonly dtype: DType };
  readonly attributes: Attributes;
  /** What a product adds to each of its rows: one row, or one for each matrix of a batch. */
  readonly bias?: Place;
  /** The number that a size stands for. */
  size(dim: Dim): number;
}

/** An operand. */
export interface Place {
  readonly value: Value;
  readonly shape: Shape;
  /** The shape that its tensor has: another one of the same size, perhaps. */
  readonly held: Shape;
  readonly dtype: DType;
  /** Its last two axes are swapped on the way into a product: the tensor has them the other way round. */
  readonly transposed?: boolean;
}

/** What a run calls. */
export type Call = (inputs: readonly Tensor[]) => Tensor;

/** A kernel made ready for one node. */
export interface Ready {
  /** The shapes in which it takes its operands. */
  readonly takes: readonly Shape[];
  /** The shape in which it gives its result. */
  readonly gives: Shape;
  readonly run: Call;
}

type Kernel = (site: Site, device: Device) => Ready;

/** The dtype that numbers have on the device, by theirs: there are no 64-bit ones, and none for the larger unsigned ones. */
const kernelDTypes: Readonly<Partial<Record<DType, KernelDType>>> = {
  float32: "float32",
  float64: "float32",
  int8: "int32",
  int16: "int32",
  int32: "int32",
  int64: "int32",
  uint8: "int32",
  uint16: "int32",
  bool: "bool",
};

/** @throws InnerloopError `unsupported-dtype` for a dtype that TensorFlow.js does not have */
export function kernelDType(dtype: DType): KernelDType {
  const held = kernelDTypes[dtype];
  if (held) return held;
  throw new InnerloopError(
    "unsupported-dtype",
    `TensorFlow.js has no ${dtype}; it computes with ${Object.keys(kernelDTypes).join(", ")}; use a Cast to one of these.`,
  );
}

const isWasm = ({ backend }: Device): boolean => backend === "wasm";
const isTensorFlow = ({ backend }: Device): boolean => backend === "tensorflow";
/** The WebAssembly backend has quick products of two matrices only, untransposed. */
export const transposesInProducts = ({ backend }: Device): boolean => backend !== "wasm";
/**
 * Whether a backend's product adds a bias in one pass. tfjs-node and the cpu backend add it in another; WebAssembly's adds one row
 * to one matrix, which only the first inner step has: after it, every task has its own.
 */
export const addsInProducts = ({ backend }: Device): boolean => backend === "webgpu";

const reshape = (device: Device, x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : device.run("Reshape", { x }, { shape });

/** A shape as numbers of a tensor. */
const sizesOf = (device: Device, shape: Shape): Tensor =>
  device.table(`shape ${shape}`, () => Int32Array.from(shape), [shape.length]);

/** Looks at a tensor in another shape. tfjs-node uploads that shape at every call; here it is there already. */
export function view(device: Device, shape: Shape): Call {
  if (!isTensorFlow(device)) return ([x]) => device.run("Reshape", { x: x! }, { shape });
  const sizes = sizesOf(device, shape);
  return ([x]) => device.run("InnerloopReshape", { x: x!, sizes });
}

/** Backends have quick code for up to so many axes, and some kernels none at all for more. */
const axesAtMost = 4;
/** The vectorized code of the WebAssembly backend (XNNPACK) repeats operands of up to so many axes, and is wrong for more. */
const wasmRepeatsAtMost = 6;

const few = (held: Shape): Shape => (held.length <= axesAtMost ? held : [product(held)]);

const unary =
  (kernel: string, attributes?: object): Kernel =>
  ({ inputs: [x] }, device) => {
    const shape = few(x!.held);
    return { takes: [shape], gives: shape, run: ([tensor]) => device.run(kernel, { x: tensor! }, attributes) };
  };

/** What of the WebAssembly backend repeats operands in vectorized code; the rest gets operands of one shape. */
const repeatsQuickly = new Set(["Add", "Sub", "Multiply", "RealDiv", "SquaredDifference"]);

/** Two operands' shapes in few axes: as one of them is held, where only numbers repeat. */
function operandShapes(a: Place, b: Place, out: Shape): Broadcast {
  const size = product(out);
  const [whole, other] = product(a.shape) === size && !constantOf(a.value) ? [a, b] : [b, a];
  if (product(whole.shape) === size) {
    const shape = few(whole.held);
    const part = product(other.shape) === size ? shape : product(other.shape) === 1 ? [] : undefined;
    if (part) return whole === a ? { a: shape, b: part, out: shape } : { a: part, b: shape, out: shape };
  }
  return joinBroadcast(a.shape, b.shape, out);
}

const binary =
  (kernel: string): Kernel =>
  ({ inputs: [a, b], output }, device) => {
    const shapes = operandShapes(a!, b!, output.shape);
    const repeats = !sameShape(shapes.a, shapes.b);
    const wasmCan = repeatsQuickly.has(kernel) && output.dtype === "float32" && shapes.out.length <= wasmRepeatsAtMost;
    if (!repeats || (isWasm(device) ? wasmCan : shapes.out.length <= axesAtMost))
      return { takes: [shapes.a, shapes.b], gives: shapes.out, run: ([x, y]) => device.run(kernel, { a: x!, b: y! }) };
    const [left, right] = [expansion(a!, output.shape, device), expansion(b!, output.shape, device)];
    return {
      takes: [left.takes, right.takes],
      gives: [product(output.shape)],
      run: ([x, y]) => device.tidy(() => device.run(kernel, { a: left.repeat(x!), b: right.repeat(y!) })),
    };
  };

/** Repeats a tensor by broadcasting, flat; the tensor itself where it has that size already. */
function expansion(
  { value, shape, dtype }: Place,
  target: Shape,
  device: Device,
): { readonly takes: Shape; readonly repeat: (x: Tensor) => Tensor } {
  const flat = [product(target)];
  if (product(shape) === flat[0]) return { takes: flat, repeat: (x) => x };
  const known = constantOf(value);
  const type = kernelDType(dtype);
  const filled = (shape: Shape, number: number) => device.run("Fill", {}, { shape, value: number, dtype: type });
  if (known && known.data.length === 1) return { takes: [], repeat: () => filled(flat, known.data[0]!) };
  const { a: from, out: to } = joinBroadcast(shape, target, target);
  if (isWasm(device) && type === "float32" && to.length <= wasmRepeatsAtMost)
    return {
      takes: from,
      repeat: (x) => reshape(device, device.run("Multiply", { a: filled(to, 1), b: x }), flat),
    };
  if (to.length <= axesAtMost) {
    const reps = to.map((size, axis) => size / from[axis]!);
    return { takes: from, repeat: (x) => reshape(device, device.run("Tile", { x }, { reps }), flat) };
  }
  // Axis by axis, the last one first.
  const repeated = to.map((_, axis) => axis).filter((axis) => to[axis] !== from[axis]);
  const tiles = repeated.reverse().map((axis) => ({
    shape: [product(from.slice(0, axis)), 1, product(to.slice(axis + 1))],
    reps: [1, to[axis]!, 1],
  }));
  const tile = (x: Tensor, { shape, reps }: (typeof tiles)[number]) =>
    device.run("Tile", { x: reshape(device, x, shape) }, { reps });
  return { takes: tiles[0]!.shape, repeat: (x) => reshape(device, tiles.reduce(tile, x), flat) };
}

const expand: Kernel = ({ inputs: [x], output }, device) => {
  const { takes, repeat } = expansion(x!, output.shape, device);
  return { takes: [takes], gives: [product(output.shape)], run: ([tensor]) => device.tidy(() => repeat(tensor!)) };
};

const where: Kernel = ({ inputs, output }, device) => {
  const parts = inputs.map((place) => expansion(place, output.shape, device));
  const [condition, t, e] = parts;
  return {
    takes: parts.map(({ takes }) => takes),
    gives: [product(output.shape)],
    run: ([c, x, y]) =>
      device.tidy(() => device.run("Select", { condition: condition!.repeat(c!), t: t!.repeat(x!), e: e!.repeat(y!) })),
  };
};

const cast: Kernel = ({ inputs: [x], output }, device) => {
  const [from, to] = [kernelDType(x!.dtype), kernelDType(output.dtype)];
  const shape = few(x!.held);
  const takes = [shape];
  if (to !== "bool")
    return { takes, gives: shape, run: ([tensor]) => device.run("Cast", { x: tensor! }, { dtype: to }) };
  const zero = device.number(0, from);
  return { takes, gives: shape, run: ([tensor]) => device.run("NotEqual", { a: tensor!, b: zero }) };
};

/** 1 where x > 0. tfjs-node makes it of seven operations of TensorFlow, of which two do. */
const positive: Kernel = (site, device) => {
  const { takes, gives, run } = unary("Step", { alpha: 0 })(site, device);
  if (!isTensorFlow(device)) return { takes, gives, run };
  const dtype = kernelDType(site.output.dtype);
  const zero = device.number(0, dtype);
  const above = (x: Tensor) => device.run("Greater", { a: x, b: zero });
  return { takes, gives, run: ([x]) => device.tidy(() => device.run("Cast", { x: above(x!) }, { dtype })) };
};

/**
 * The WebAssembly backend packs the right factor of a product once, and finds it again by its numbers alone: the same numbers in
 * another shape need to be a copy. Here are the shapes in which numbers were packed.
 */
const packed = new WeakMap<object, string>();

function packedAs(y: Tensor, device: Device): Tensor {
  const [shape, known] = [y.shape.slice(-2).join(), packed.get(y.dataId)];
  if (known === undefined) packed.set(y.dataId, shape);
  if (known === undefined || known === shape) return y;
  return device.run("Slice", { x: y }, { begin: y.shape.map(() => 0), size: y.shape });
}

/** Products smaller than this many multiplications are cheaper in one kernel, however slow it is. */
const smallProduct = 4096;

const matMul: Kernel = ({ inputs: [a, b], output, bias }, device) => {
  const [m, n] = output.shape.slice(-2) as [number, number];
  const k = a!.shape.at(-1)!;
  const lead = output.shape.slice(0, -2);
  const [all, left, right] = [lead, a!.shape.slice(0, -2), b!.shape.slice(0, -2)].map(product) as [
    number,
    number,
    number,
  ];
  const settings = { transposeA: a!.transposed ?? false, transposeB: b!.transposed ?? false };
  const multiply = (x: Tensor, y: Tensor, row?: Tensor) =>
    row
      ? device.run("_FusedMatMul", { a: x, b: y, bias: row }, { ...settings, activation: "linear" })
      : device.run("BatchMatMul", { a: x, b: isWasm(device) ? packedAs(y, device) : y }, settings);
  const row = bias && (product(bias.shape) === n ? [n] : [all, 1, n]);
  const added = row ? [row] : [];
  const matrix = (rows: number, columns: number, turned: boolean) => (turned ? [columns, rows] : [rows, columns]);
  const factor = matrix(k, n, settings.transposeB);
  // One factor for all: the others' rows one below the other.
  if (right === 1 && (left === 1 || !settings.transposeA)) {
    const takes = [matrix(left * m, k, settings.transposeA), factor, ...added];
    return { takes, gives: [left * m, n], run: ([x, y, z]) => device.tidy(() => multiply(x!, y!, z)) };
  }
  const batch = (place: Place, count: number, shape: Shape) => {
    const whole = count === 1 || count === all;
    const repeated = whole ? undefined : expansion(place, [...lead, ...place.shape.slice(-2)], device);
    const full = [count === 1 ? 1 : all, ...shape];
    return {
      takes: repeated?.takes ?? full,
      full: (x: Tensor) => (repeated ? reshape(device, repeated.repeat(x), full) : x),
    };
  };
  const first = batch(a!, left, matrix(m, k, settings.transposeA));
  const second = batch(b!, right, factor);
  const takes = [first.takes, second.takes, ...added];
  const gives = [all, m, n];
  if (!isWasm(device) || m * k * n < smallProduct)
    return { takes, gives, run: ([x, y, z]) => device.tidy(() => multiply(first.full(x!), second.full(y!), z)) };
  // One by one; a gathered row is a copy, while a slice reads the whole tensor first.
  const at = Array.from({ length: all }, (_, i) => device.table(`row ${i}`, () => Int32Array.of(i), [1, 1]));
  const one = (x: Tensor, i: number, shape: Shape) =>
    x.shape[0] === 1
      ? reshape(device, x, shape)
      : reshape(device, device.run("GatherNd", { params: x, indices: at[i]! }), shape);
  return {
    takes,
    gives: [all * m, n],
    run: ([x, y]) =>
      device.tidy(() => {
        const flat = (whole: Tensor) => reshape(device, whole, [whole.shape[0]!, whole.size / whole.shape[0]!]);
        const [p, q] = [flat(first.full(x!)), flat(second.full(y!))];
        const parts = at.map((_, i) => multiply(one(p, i, [m, k]), one(q, i, [k, n])));
        return device.run("Concat", parts, { axis: 0 });
      }),
  };
};

const reduction =
  (kernel: string, axesName: string): Kernel =>
  ({ inputs: [x], attributes }, device) => {
    const gone = (axis: number) => (attributes.axes as Shape).includes(axis);
    const joined = joinAxes(x!.shape, (axis) => gone(axis) === gone(axis - 1));
    const first = gone(0) ? 0 : 1;
    const axes = joined.map((_, axis) => axis).filter((axis) => axis % 2 === first);
    // Kept axes fit what is broadcast next; WebGPU's product does not keep them.
    const keepDims = kernel !== "Prod";
    const settings = { [axesName]: axes, keepDims };
    return {
      takes: [joined],
      gives: joined.flatMap((size, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [size])),
      run: ([tensor]) => device.run(kernel, { x: tensor! }, settings),
    };
  };

const arg =
  (kernel: string): Kernel =>
  ({ inputs: [x], attributes: { axis } }, device) => {
    const shape = sandwich(x!.shape, axis as number);
    return {
      takes: [shape],
      gives: [shape[0], shape[2]],
      run: ([tensor]) => device.run(kernel, { x: tensor! }, { axis: 1 }),
    };
  };

const transpose: Kernel = ({ inputs: [x], attributes }, device) => {
  const perm = attributes.perm as Shape;
  const follows = (axis: number) => axis > 0 && perm[perm.indexOf(axis) - 1] === axis - 1;
  const joined = joinAxes(x!.shape, follows);
  const heads = perm.filter((axis) => !follows(axis));
  const sorted = [...heads].sort((a, b) => a - b);
  const order = heads.map((axis) => sorted.indexOf(axis));
  return {
    takes: [joined],
    gives: order.map((axis) => joined[axis]!),
    run: ([tensor]) => device.run("Transpose", { x: tensor! }, { perm: order }),
  };
};

/** Known indices become a table of rows, which are copied whole. */
const gather: Kernel = ({ inputs: [x, indices], output, attributes }, device) => {
  const axis = attributes.axis as number;
  const [outer, size, inner] = sandwich(x!.shape, axis);
  const known = constantOf(indices!.value);
  if (!known)
    return {
      takes: [x!.shape, indices!.shape],
      gives: output.shape,
      run: ([tensor, at]) =>
        device.tidy(() => {
          const length = device.run("Fill", {}, { shape: indices!.shape, value: size, dtype: "int32" });
          const fromStart = device.run("Mod", { a: at!, b: length });
          return device.run("GatherV2", { x: tensor!, indices: fromStart }, { axis, batchDims: 0 });
        }),
    };
  const count = known.data.length;
  if (isTensorFlow(device)) {
    const start = (index: number) => (index < 0 ? index + size : index);
    const at = device.table(`places ${indices!.value.node.id} ${size}`, () => Int32Array.from(known.data, start), [
      count,
    ]);
    const along = device.table("1", () => Int32Array.of(1), []);
    return {
      takes: [[outer, size, inner], indices!.held],
      gives: [outer, count, inner],
      run: ([tensor]) => device.run("InnerloopGather", { params: tensor!, indices: at, axis: along }),
    };
  }
  const rows = device.table(
    `rows ${indices!.value.node.id} ${outer} ${size}`,
    () =>
      Int32Array.from({ length: outer * count }, (_, i) => {
        const index = known.data[i % count]!;
        return Math.floor(i / count) * size + (index < 0 ? index + size : index);
      }),
    [outer * count, 1],
  );
  return {
    takes: [[outer * size, inner], indices!.held],
    gives: [outer * count, inner],
    run: ([tensor]) => device.run("GatherNd", { params: tensor!, indices: rows }),
  };
};

const slice: Kernel = ({ inputs: [x], output, attributes, size }, device) => {
  const axis = attributes.axis as number;
  const shape = sandwich(x!.shape, axis);
  const gives = [shape[0], output.shape[axis]!, shape[2]];
  const begin = [0, size(attributes.start as Dim), 0];
  return { takes: [shape], gives, run: ([tensor]) => device.run("Slice", { x: tensor! }, { begin, size: gives }) };
};

const concat: Kernel = ({ inputs, output, attributes }, device) => ({
  takes: inputs.map(({ shape }) => sandwich(shape, attributes.axis as number)),
  gives: sandwich(output.shape, attributes.axis as number),
  run: (tensors) => device.run("Concat", tensors, { axis: 1 }),
});

const pad: Kernel = ({ inputs: [x], output, attributes }, device) => {
  const [before, after] = [attributes.before as Shape, attributes.after as Shape];
  const stays = (axis: number) => before[axis] === 0 && after[axis] === 0;
  const together = (axis: number) => stays(axis) && stays(axis - 1);
  const heads = x!.shape.map((_, axis) => axis).filter((axis) => axis === 0 || !together(axis));
  const settings = { paddings: heads.map((axis) => [before[axis], after[axis]]), constantValue: attributes.value };
  return {
    takes: [joinAxes(x!.shape, together)],
    gives: joinAxes(output.shape, together),
    run: ([tensor]) => device.run("PadV2", { x: tensor! }, settings),
  };
};

const cumulativeSum: Kernel = ({ inputs: [x], attributes: { axis, exclusive, reverse } }, device) => {
  const shape = sandwich(x!.shape, axis as number);
  const settings = { axis: 1, exclusive: Boolean(exclusive), reverse: Boolean(reverse) };
  return { takes: [shape], gives: shape, run: ([tensor]) => device.run("Cumsum", { x: tensor! }, settings) };
};

const range: Kernel = ({ output: { shape } }, device) => {
  const settings = { start: 0, stop: shape[0], step: 1, dtype: "int32" };
  return { takes: [], gives: shape, run: () => device.run("Range", {}, settings) };
};

/** The operands of a convolution's three maps, by the names that kernels have for them, and what a shape among them is called. */
const convolution =
  (kernel: string, names: readonly [string, string], shapeName?: string): Kernel =>
  ({ inputs, output, attributes }, device) => {
    const [before, after] = [attributes.before as Shape, attributes.after as Shape];
    const { strides, dilations } = attributes;
    const takes = inputs.map(({ shape }) => shape);
    const operands = ([x, y]: readonly Tensor[]) => ({ [names[0]]: x!, [names[1]]: y! });
    if (isTensorFlow(device)) {
      const sizes = sizesOf(device, output.shape);
      const settings = { strides, dilations, before, after };
      const run: Call = (tensors) => device.run(`Innerloop${kernel}`, { ...operands(tensors), sizes }, settings);
      return { takes, gives: output.shape, run };
    }
    const settings = {
      strides,
      dilations,
      pad: [[0, 0], ...before.map((n, i) => [n, after[i]!]), [0, 0]],
      dataFormat: "NHWC",
      ...(shapeName ? { [shapeName]: output.shape } : {}),
    };
    return { takes, gives: output.shape, run: (tensors) => device.run(kernel, operands(tensors), settings) };
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
  Positive: positive,
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
  Transpose: transpose,
  Expand: expand,
  Concat: concat,
  Slice: slice,
  Gather: gather,
  Pad: pad,
  Range: range,
  Convolution: convolution("Conv2D", ["x", "filter"]),
  ConvolutionInputGradient: convolution("Conv2DBackpropInput", ["dy", "filter"], "inputShape"),
  ConvolutionWeightGradient: convolution("Conv2DBackpropFilter", ["x", "dy"], "filterShape"),
};

/** Sums over the first axes as products with a row of ones, which the WebAssembly backend does 20 times faster. */
export const leadingSum: Lowering = (inputs, attributes, outputs) =>
  (attributes.axes as readonly number[])[0] === 0
    ? onnxTarget().lowerings.ReduceSum?.(inputs, attributes, outputs)
    : undefined;
