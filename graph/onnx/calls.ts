// What each ONNX operator becomes: one table from the operator's name to the call that its inputs and attributes make,
// for opsets 13 to 21, in which some operators moved attributes to inputs.
import { type DType, InnerloopError, show } from "@innerloop/schemas";
import { onnx } from "@innerloop/schemas/onnx";
import { spend } from "../core/budget.ts";
import { addDims, type Dim, sizeOf } from "../core/dims.ts";
import { normalizeAxis } from "../core/operator.ts";
import { constant, fixed, type NumberArray, type Value } from "../core/value.ts";
import * as op from "../ops/index.ts";
import { cut } from "../ops/movement.ts";
import type { ReduceOptions } from "../ops/reduction.ts";
import { asValue, isSizes, type Sizes, sizes } from "./sizes.ts";
import { dtypeOf, numbersOf } from "./tensors.ts";

/** What a name in a model stands for: a value, or sizes of which some are open. */
export type Entry = Value | Sizes;

/** Looks up the names that a node reads. */
export interface Names {
  entry(name: string): Entry;
  /** The numbers of a constant or of a weight; undefined where they depend on the inputs. */
  numbers(name: string): NumberArray | undefined;
}

/** One node of a model, as the table below reads it. */
export class Call {
  readonly node: onnx.NodeProto.$Properties;
  readonly opset: number;
  /** How many outputs the model uses. */
  readonly outputs: number;
  readonly #names: Names;

  constructor(node: onnx.NodeProto.$Properties, opset: number, names: Names) {
    this.node = node;
    this.opset = opset;
    this.outputs = (node.output ?? []).findLastIndex((name) => name !== "") + 1;
    this.#names = names;
  }

  #name(i: number): string {
    return this.node.input?.[i] ?? "";
  }

  has(i: number): boolean {
    return this.#name(i) !== "";
  }

  entries(): Entry[] {
    return (this.node.input ?? []).filter((name) => name !== "").map((name) => this.#names.entry(name));
  }

  entry(i: number): Entry {
    if (this.has(i)) return this.#names.entry(this.#name(i));
    throw new InnerloopError("bad-model", `lacks input ${i}.`);
  }

  value(i: number): Value {
    const entry = this.entry(i);
    return isSizes(entry) ? asValue(entry) : entry;
  }

  optional(i: number): Value | undefined {
    return this.has(i) ? this.value(i) : undefined;
  }

  values(): [Value, ...Value[]] {
    return [this.value(0), ...(this.node.input ?? []).slice(1).map((_, i) => this.value(i + 1))];
  }

  /** The numbers of an input that has to be a constant; undefined where it is left out. */
  constant(i: number): NumberArray | undefined {
    if (!this.has(i)) return undefined;
    const known = this.#names.numbers(this.#name(i));
    if (known) return known;
    throw new InnerloopError(
      "open-input",
      `needs the numbers of "${this.#name(i)}" while the model is read, but they depend on its inputs.`,
    );
  }

  numbers(i: number): readonly number[] | undefined {
    const known = this.constant(i);
    return known && [...known.data];
  }

  /** Sizes given as an input. */
  dims(i: number): readonly Dim[] {
    const entry = this.has(i) ? this.entry(i) : undefined;
    return (entry && isSizes(entry) ? entry.dims : this.numbers(i)) ?? [];
  }

  /** The one number of an input. */
  single(i: number): number {
    const [number] = this.numbers(i) ?? [];
    if (number !== undefined) return number;
    throw new InnerloopError("bad-model", `has no number in input ${i}.`);
  }

  /** The one size of an input. */
  dim(i: number): Dim {
    const [dim] = this.dims(i);
    if (dim !== undefined) return dim;
    throw new InnerloopError("bad-model", `has no size in input ${i}.`);
  }

  /** Axes: an attribute in older opsets, an input since. */
  axes(i: number): readonly number[] | undefined {
    return this.ints("axes") ?? this.numbers(i);
  }

  /** @throws InnerloopError for an attribute of another type; a file need not say the type */
  #attribute(name: string, type: keyof typeof onnx.AttributeProto.AttributeType) {
    const attribute = this.node.attribute?.find((attribute) => attribute.name === name);
    if (attribute?.type && attribute.type !== onnx.AttributeProto.AttributeType[type])
      throw new InnerloopError("bad-model", `has the attribute ${name} of another type than ${type}.`);
    return attribute;
  }

  int(name: string, fallback: number): number {
    return Number(this.#attribute(name, "INT")?.i ?? fallback);
  }

  float(name: string, fallback: number): number {
    return this.#attribute(name, "FLOAT")?.f ?? fallback;
  }

  text(name: string, fallback: string): string {
    const bytes = this.#attribute(name, "STRING")?.s;
    return bytes ? new TextDecoder().decode(bytes) : fallback;
  }

  /** A text that is one of a few. */
  choice<const L extends readonly [string, ...string[]]>(name: string, known: L): L[number] {
    const given = this.text(name, known[0]);
    if (known.includes(given)) return given;
    throw new InnerloopError(
      "unsupported-attribute",
      `has ${name} = ${show(given)}; ${known.join(", ")} are supported.`,
    );
  }

  ints(name: string): readonly number[] | undefined {
    return this.#attribute(name, "INTS")?.ints?.map(Number);
  }

  floats(name: string): readonly number[] | undefined {
    return this.#attribute(name, "FLOATS")?.floats ?? undefined;
  }

  tensor(name: string): NumberArray | undefined {
    const tensor = this.#attribute(name, "TENSOR")?.t;
    return tensor ? numbersOf(tensor, `the attribute ${name}`) : undefined;
  }

  dtype(name: string): DType {
    return dtypeOf(this.int(name, 0), `the attribute ${name}`);
  }

  hasAttribute(name: string): boolean {
    return this.node.attribute?.some((attribute) => attribute.name === name) ?? false;
  }
}

type Read = (call: Call) => Entry | readonly Value[];

const unary =
  (apply: (x: Value) => Value): Read =>
  (c) =>
    apply(c.value(0));
const binary =
  (apply: (a: Value, b: Value) => Value): Read =>
  (c) =>
    apply(c.value(0), c.value(1));
const alpha =
  (apply: (x: Value, options: { alpha: number }) => Value, fallback: number): Read =>
  (c) =>
    apply(c.value(0), { alpha: c.float("alpha", fallback) });
const alongAxis =
  (apply: (x: Value, axis: number) => Value): Read =>
  (c) =>
    apply(c.value(0), c.int("axis", -1));

const reduction =
  (apply: (x: Value, options: ReduceOptions) => Value): Read =>
  (c) => {
    const axes = c.axes(1) ?? [];
    const keepdims = c.int("keepdims", 1) !== 0;
    if (axes.length > 0) return apply(c.value(0), { axes, keepdims });
    return c.int("noop_with_empty_axes", 0) ? c.value(0) : apply(c.value(0), { keepdims });
  };

const index =
  (apply: (x: Value, axis: number, keepdims: boolean) => Value): Read =>
  (c) => {
    const x = c.value(0);
    const axis = normalizeAxis(c.int("axis", 0), x.rank, "axis");
    const keepdims = c.int("keepdims", 1) !== 0;
    if (!c.int("select_last_index", 0)) return apply(x, axis, keepdims);
    const size = fixed(x.shape[axis]!, "select_last_index");
    return op.Sub(size - 1, apply(op.Slice(x, [-1], [-size - 1], [axis], [-1]), axis, keepdims));
  };

/** The attributes that convolutions and pools share; what is absent stays absent. */
function windowOf(c: Call): op.WindowOptions {
  const [strides, pads, dilations] = [c.ints("strides"), c.ints("pads"), c.ints("dilations")];
  const autoPad = c.choice("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]);
  return {
    autoPad,
    ...(strides && { strides }),
    ...(pads && autoPad === "NOTSET" && { pads }),
    ...(dilations && { dilations }),
  };
}

function lossOptions(c: Call, i: number) {
  const weights = c.optional(i);
  return {
    reduction: c.choice("reduction", ["mean", "sum", "none"]),
    ...(weights && { weights }),
    ...(c.hasAttribute("ignore_index") && { ignoreIndex: c.int("ignore_index", 0) }),
  };
}

/** The constant that one of the value attributes of a Constant node holds. */
function literal(c: Call): Value {
  const tensor = c.tensor("value");
  if (tensor) return constant(tensor.data, tensor.shape, tensor.dtype);
  if (c.hasAttribute("value_float")) return constant(c.float("value_float", 0));
  if (c.hasAttribute("value_int")) return constant(c.int("value_int", 0), [], "int64");
  const [floats, ints] = [c.floats("value_floats"), c.ints("value_ints")];
  if (c.hasAttribute("value_floats")) return constant(floats ?? []);
  if (c.hasAttribute("value_ints")) return constant(ints ?? [], undefined, "int64");
  throw new InnerloopError("unsupported-dtype", "holds no numbers; strings and sparse tensors are not supported.");
}

function slice(c: Call): Value {
  const [starts, ends] = [c.dims(1), c.dims(2)];
  const axes = c.numbers(3) ?? starts.map((_, i) => i);
  const steps = c.numbers(4) ?? starts.map(() => 1);
  if ([ends, axes, steps].some((list) => list.length !== starts.length) || steps.includes(0))
    throw new InnerloopError("bad-model", "needs as many ends, axes and steps as starts, and no step of 0.");
  return axes.reduce((x, given, i) => {
    const axis = normalizeAxis(given, x.rank, "Slice");
    const [size, start, end] = [x.shape[axis]!, starts[i]!, ends[i]!];
    const known = typeof start === "number" && typeof end === "number";
    if (known && (typeof size === "number" || (start >= 0 && end >= 0)))
      return op.Slice(x, [start], [end], [axis], [steps[i]!]);
    if (steps[i] !== 1) throw new InnerloopError("open-dim", `needs a known size for steps of ${steps[i]}.`);
    const place = (at: Dim): Dim =>
      typeof at === "string" ? at : at < 0 ? addDims(size, at) : at >= 2 ** 31 - 1 ? size : at;
    return cut(x, axis, place(start), place(end));
  }, c.value(0));
}

function pad(c: Call): Value {
  const x = c.value(0);
  const given = c.ints("pads") ?? c.numbers(1) ?? [];
  const axes = (c.numbers(3) ?? [...x.shape.keys()]).map((axis) => normalizeAxis(axis, x.rank, "Pad"));
  const pads = new Array<number>(2 * x.rank).fill(0);
  axes.forEach((axis, i) => {
    pads[axis] = given[i]!;
    pads[axis + x.rank] = given[i + axes.length]!;
  });
  if (given.length !== 2 * axes.length || !given.every(Number.isSafeInteger))
    throw new InnerloopError(
      "bad-model",
      `has ${given.length} pads for ${axes.length} axes; two whole numbers each were expected.`,
    );
  const mode = c.choice("mode", ["constant", "reflect", "edge", "wrap"]);
  return op.Pad(x, pads, mode, c.numbers(2)?.[0] ?? 0);
}

function range(c: Call): Value {
  const limit = c.dim(1);
  const [start, delta] = [c.single(0), c.single(2)];
  if (typeof limit === "string") {
    if (start === 0 && delta === 1) return op.Range(limit);
    throw new InnerloopError("open-dim", `up to "${limit}" has to start at 0 and go by 1.`);
  }
  const length = Math.max(0, Math.ceil((limit - start) / delta));
  if (!Number.isSafeInteger(length))
    throw new InnerloopError("bad-model", `counts from ${start} to ${limit} by ${delta}, which never ends.`);
  spend("numbers", length);
  const numbers = Float64Array.from({ length }, (_, i) => start + i * delta);
  return constant(numbers, [length], c.constant(0)!.dtype);
}

function oneHot(c: Call): Value {
  const depth = c.dim(1);
  const values = c.constant(2);
  if (values?.data.length !== 2) throw new InnerloopError("bad-model", "needs two values, for off and for on.");
  const { data, dtype } = values;
  const [off, on] = [data[0]!, data[1]!];
  const indices = op.Cast(c.value(0), "int64");
  const classes = op.Range(depth);
  const wrapped = op.Where(op.Less(indices, 0), op.Add(indices, op.Size(classes)), indices);
  const hot = op.OneHot(wrapped, classes, dtype);
  const axis = normalizeAxis(c.int("axis", -1), hot.rank, "OneHot");
  const order = [...hot.shape.keys()].slice(0, -1);
  order.splice(axis, 0, hot.rank - 1);
  const moved = op.Transpose(hot, order);
  return off === 0 && on === 1 ? moved : op.Add(off, op.Mul(moved, on - off));
}

function groupNormalization(c: Call): Value {
  const [x, groups] = [c.value(0), c.int("num_groups", 1)];
  const channels = fixed(x.shape[1]!, "GroupNormalization");
  // Until opset 20 there is a scale and a bias for each group, from then on for each channel.
  const perChannel = (v: Value) =>
    c.opset >= 21
      ? v
      : op.Reshape(op.Expand(op.Unsqueeze(v, [1]), [groups, Math.floor(channels / groups)]), [channels]);
  return op.GroupNormalization(x, perChannel(c.value(1)), perChannel(c.value(2)), groups, {
    epsilon: c.float("epsilon", 1e-5),
  });
}

function reshape(c: Call): Value {
  const shape = c.dims(1);
  if (c.int("allowzero", 0) && shape.includes(0))
    throw new InnerloopError("unsupported-attribute", "with allowzero makes an empty array, which is not supported.");
  return op.Reshape(c.value(0), shape);
}

/** Every ONNX operator that can be read. */
export const calls: ReadonlyMap<string, Read> = new Map(
  Object.entries<Read>({
    // elementwise
    Abs: unary(op.Abs),
    Add: binary(op.Add),
    Atan: unary(op.Atan),
    Cast: (c) => op.Cast(c.value(0), c.dtype("to")),
    CastLike: binary(op.CastLike),
    Ceil: unary(op.Ceil),
    Clip: (c) => op.Clip(c.value(0), c.optional(1), c.optional(2)),
    Cos: unary(op.Cos),
    Cosh: unary(op.Cosh),
    Div: binary(op.Div),
    Erf: unary(op.Erf),
    Exp: unary(op.Exp),
    Floor: unary(op.Floor),
    Log: unary(op.Log),
    Max: (c) => op.Max(...c.values()),
    Mean: (c) => op.Mean(...c.values()),
    Min: (c) => op.Min(...c.values()),
    Mul: binary(op.Mul),
    Neg: unary(op.Neg),
    Pow: binary((base, exponent) => op.Pow(base, op.CastLike(exponent, base))),
    Reciprocal: unary(op.Reciprocal),
    Round: unary(op.Round),
    Sign: unary(op.Sign),
    Sin: unary(op.Sin),
    Sinh: unary(op.Sinh),
    Sqrt: unary(op.Sqrt),
    Sub: binary(op.Sub),
    Sum: (c) => op.Sum(...c.values()),
    Tan: unary(op.Tan),
    Where: (c) => op.Where(c.value(0), c.value(1), c.value(2)),

    // comparison
    And: binary(op.And),
    Equal: binary(op.Equal),
    Greater: binary(op.Greater),
    GreaterOrEqual: binary(op.GreaterOrEqual),
    IsNaN: unary(op.IsNaN),
    Less: binary(op.Less),
    LessOrEqual: binary(op.LessOrEqual),
    Not: unary(op.Not),
    Or: binary(op.Or),
    Xor: binary(op.Xor),

    // activation
    Celu: alpha(op.Celu, 1),
    Elu: alpha(op.Elu, 1),
    Gelu: (c) => op.Gelu(c.value(0), { approximate: c.choice("approximate", ["none", "tanh"]) }),
    HardSigmoid: (c) => op.HardSigmoid(c.value(0), { alpha: c.float("alpha", 0.2), beta: c.float("beta", 0.5) }),
    HardSwish: unary(op.HardSwish),
    LeakyRelu: alpha(op.LeakyRelu, 0.01),
    LogSoftmax: alongAxis(op.LogSoftmax),
    Mish: unary(op.Mish),
    PRelu: binary(op.PRelu),
    Relu: unary(op.Relu),
    Selu: (c) =>
      op.Selu(c.value(0), {
        ...(c.hasAttribute("alpha") && { alpha: c.float("alpha", 0) }),
        ...(c.hasAttribute("gamma") && { gamma: c.float("gamma", 0) }),
      }),
    Sigmoid: unary(op.Sigmoid),
    Softmax: alongAxis(op.Softmax),
    Softplus: unary(op.Softplus),
    Softsign: unary(op.Softsign),
    Tanh: unary(op.Tanh),
    ThresholdedRelu: alpha(op.ThresholdedRelu, 1),

    // linear algebra
    Gemm: (c) =>
      op.Gemm(c.value(0), c.value(1), c.optional(2), {
        alpha: c.float("alpha", 1),
        beta: c.float("beta", 1),
        transA: c.int("transA", 0),
        transB: c.int("transB", 0),
      }),
    MatMul: binary(op.MatMul),

    // reduction
    ArgMax: index(op.ArgMax),
    ArgMin: index(op.ArgMin),
    CumSum: (c) =>
      op.CumSum(c.value(0), c.single(1), { exclusive: c.int("exclusive", 0), reverse: c.int("reverse", 0) }),
    ReduceL1: reduction(op.ReduceL1),
    ReduceL2: reduction(op.ReduceL2),
    ReduceLogSum: reduction(op.ReduceLogSum),
    ReduceLogSumExp: reduction(op.ReduceLogSumExp),
    ReduceMax: reduction(op.ReduceMax),
    ReduceMean: reduction(op.ReduceMean),
    ReduceMin: reduction(op.ReduceMin),
    ReduceProd: reduction(op.ReduceProd),
    ReduceSum: reduction(op.ReduceSum),
    ReduceSumSquare: reduction(op.ReduceSumSquare),

    // movement
    Concat: (c) => op.Concat(c.values(), c.int("axis", 0)),
    DepthToSpace: (c) => op.DepthToSpace(c.value(0), c.int("blocksize", 1), c.choice("mode", ["DCR", "CRD"])),
    Expand: (c) => op.Expand(c.value(0), c.dims(1)),
    Flatten: (c) => op.Flatten(c.value(0), c.int("axis", 1)),
    Gather: (c) => op.Gather(c.value(0), c.value(1), c.int("axis", 0)),
    OneHot: oneHot,
    Pad: pad,
    Range: range,
    Reshape: reshape,
    Slice: slice,
    SpaceToDepth: (c) => op.SpaceToDepth(c.value(0), c.int("blocksize", 1)),
    Split: (c) =>
      op.Split(c.value(0), c.ints("split") ?? c.numbers(1) ?? (c.node.output ?? []).length, c.int("axis", 0)),
    Squeeze: (c) => op.Squeeze(c.value(0), c.axes(1)),
    Tile: (c) => op.Tile(c.value(0), c.numbers(1) ?? []),
    Transpose: (c) => op.Transpose(c.value(0), c.ints("perm")),
    Unsqueeze: (c) => op.Unsqueeze(c.value(0), c.axes(1) ?? []),

    // convolution and pooling
    AveragePool: (c) =>
      op.AveragePool(c.value(0), c.ints("kernel_shape") ?? [], {
        ...windowOf(c),
        ceilMode: c.int("ceil_mode", 0) !== 0,
        countIncludePad: c.int("count_include_pad", 0) !== 0,
      }),
    Conv: (c) => op.Conv(c.value(0), c.value(1), c.optional(2), { ...windowOf(c), group: c.int("group", 1) }),
    ConvTranspose(c) {
      const [outputPadding, outputShape] = [c.ints("output_padding"), c.ints("output_shape")];
      return op.ConvTranspose(c.value(0), c.value(1), c.optional(2), {
        ...windowOf(c),
        group: c.int("group", 1),
        ...(outputPadding && { outputPadding }),
        ...(outputShape && { outputShape }),
      });
    },
    GlobalAveragePool: unary(op.GlobalAveragePool),
    GlobalMaxPool: unary(op.GlobalMaxPool),
    MaxPool: (c) =>
      op.MaxPool(c.value(0), c.ints("kernel_shape") ?? [], { ...windowOf(c), ceilMode: c.int("ceil_mode", 0) !== 0 }),

    // normalization
    BatchNormalization: (c) =>
      op.BatchNormalization(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4), {
        epsilon: c.float("epsilon", 1e-5),
        trainingMode: c.int("training_mode", 0) !== 0,
      }),
    GroupNormalization: groupNormalization,
    InstanceNormalization: (c) =>
      op.InstanceNormalization(c.value(0), c.value(1), c.value(2), { epsilon: c.float("epsilon", 1e-5) }),
    LayerNormalization(c) {
      const x = c.value(0);
      const [axis, epsilon] = [c.int("axis", -1), c.float("epsilon", 1e-5)];
      const axes = [...x.shape.keys()].slice(axis);
      return [
        op.LayerNormalization(x, c.value(1), c.optional(2), { axis, epsilon }),
        op.ReduceMean(x, { axes }),
        op.InverseDeviation(x, axes, epsilon),
      ];
    },

    // loss
    NegativeLogLikelihoodLoss: (c) => op.NegativeLogLikelihoodLoss(c.value(0), c.value(1), lossOptions(c, 2)),
    SoftmaxCrossEntropyLoss: (c) => [
      op.SoftmaxCrossEntropyLoss(c.value(0), c.value(1), lossOptions(c, 2)),
      op.LogSoftmax(c.value(0), 1),
    ],

    // graph
    Constant: literal,
    ConstantOfShape(c) {
      const { data, dtype } = c.tensor("value") ?? { data: [0], dtype: "float32" as const };
      if (data.length !== 1) throw new InnerloopError("bad-model", "has more or less than one value.");
      return op.ConstantOfShape(c.dims(0), data[0], dtype);
    },
    Dropout: (c) => [op.Dropout(c.value(0)), op.ConstantOfShape(c.value(0).shape, 1, "bool")],
    Identity: (c) => c.entry(0),
    Shape(c) {
      const whole = c.value(0).shape;
      return sizes(whole.slice(c.int("start", 0), c.hasAttribute("end") ? c.int("end", 0) : undefined));
    },
    Size: (c) => sizes([sizeOf(c.value(0).shape)], "scalar"),
  }),
);
