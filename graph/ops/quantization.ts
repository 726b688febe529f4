// Numbers in few bits: whole numbers that stand for a scale times what they are beyond a zero point. Derivatives go through
// the rounding as if it were not there, and stop where a number is beyond the range.
import type { DType } from "@innerloop/schemas";
import { constant } from "../core/build.ts";
import { at, upTo } from "../core/lists.ts";
import { isFloat, spelling, unfit } from "../core/operator.ts";
import { fixed, normalizeAxis } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Clip } from "./activation.ts";
import { Add, Div, Max, Min, Mul, Round, Sub } from "./arithmetic.ts";
import { Equal, Where } from "./comparison.ts";
import { Conv, type WindowOptions } from "./convolution.ts";
import { Cast } from "./dtypes.ts";
import { Gather } from "./indexing.ts";
import { integerRange } from "./internal/ranges.ts";
import { straightThrough } from "./internal/straight-through.ts";
import { MatMul } from "./linear-algebra.ts";
import { Reshape } from "./movement.ts";
import { ReduceMax, ReduceMin } from "./reduction.ts";

/** What a scale and a zero point are of: all of an array, the places of an axis, or blocks along it. */
export interface QuantizeOptions {
  readonly zeroPoint?: Value;
  readonly axis?: number;
  /** How many neighbours along the axis share a scale; 0 where all of a place do. */
  readonly blockSize?: number;
}

/** A scale or a zero point laid out beside the numbers that it is of. */
function beside(value: Value, x: Value, { axis: counted = 1, blockSize = 0 }: QuantizeOptions): Value {
  if (value.rank === 0) return value;
  if (value.rank === 1 && value.shape[0] === 1 && !blockSize) return Reshape(value, []);
  const axis = normalizeAxis(counted, x.rank, "QuantizeLinear");
  if (!blockSize)
    return Reshape(
      value,
      x.shape.map((_, i) => (i === axis ? -1 : 1)),
    );
  if (value.rank !== x.rank)
    throw unfit("QuantizeLinear", [x, value], "a scale of blocks has as many axes as the array.");
  const size = fixed(at(x.shape, axis), "QuantizeLinear");
  const rows = upTo(size).map((i) => Math.floor(i / blockSize));
  return Gather(value, constant(rows, [size], "int64"), axis);
}

/** Within the range of a type, and of it: the whole numbers that `x` is nearest to. */
function held(x: Value, zeroPoint: Value | undefined, dtype: DType, range = integerRange(dtype)): Value {
  const rounded = straightThrough(x, x.dtype);
  const moved = zeroPoint ? Add(rounded, Cast(zeroPoint, x.dtype)) : rounded;
  return straightThrough(Clip(moved, range.least, range.most), dtype);
}

spelling(
  "QuantizeLinear",
  "quantization",
  13,
  "Div, StraightThrough, Add, Clip",
  "whole numbers near x over a scale, in few bits",
);
/**
 * ONNX QuantizeLinear: x over the scale, rounded, and the zero point added.
 * @param range the numbers that are held, where they are fewer than those of the dtype
 */
export function QuantizeLinear(
  x: Value,
  scale: Value,
  options: QuantizeOptions & {
    readonly dtype?: DType;
    readonly range?: { readonly least: number; readonly most: number };
    readonly precision?: DType;
  } = {},
): Value {
  const dtype = options.dtype ?? options.zeroPoint?.dtype ?? "uint8";
  const computed = options.precision ?? (isFloat(x.dtype) ? x.dtype : scale.dtype);
  const by = Cast(beside(scale, x, options), computed);
  const zero = options.zeroPoint && beside(options.zeroPoint, x, options);
  return held(Div(Cast(x, computed), by), zero, dtype, options.range ?? integerRange(dtype));
}

spelling(
  "DequantizeLinear",
  "quantization",
  13,
  "StraightThrough, Sub, Mul",
  "what whole numbers in few bits stand for",
);
/** ONNX DequantizeLinear: (x − zero point) · scale, in the dtype of the scale. */
export function DequantizeLinear(
  x: Value,
  scale: Value,
  options: QuantizeOptions & { readonly dtype?: DType } = {},
): Value {
  const computed = scale.dtype;
  const whole = isFloat(x.dtype) ? Cast(x, computed) : straightThrough(x, computed);
  const zero = options.zeroPoint && Cast(beside(options.zeroPoint, x, options), computed);
  const y = Mul(zero ? Sub(whole, zero) : whole, beside(scale, x, options));
  return Cast(y, options.dtype ?? computed);
}

/** x over a scale that is of all of it, of the places of an axis, or of blocks. */
export const overScale = (x: Value, scale: Value, options: Omit<QuantizeOptions, "zeroPoint">): Value =>
  Div(x, Cast(beside(scale, x, options), x.dtype));

/** What DynamicQuantizeLinear gives. */
export interface Quantized {
  readonly y: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
}

spelling(
  "DynamicQuantizeLinear",
  "quantization",
  11,
  "ReduceMax, ReduceMin, Div, StraightThrough",
  "in 8 bits, over the range of the numbers themselves",
);
/** ONNX DynamicQuantizeLinear: uint8, over the range of `x` and 0. */
export function DynamicQuantizeLinear(x: Value): Quantized {
  const [most, least] = [Max(ReduceMax(x, { keepdims: false }), 0), Min(ReduceMin(x, { keepdims: false }), 0)];
  const range = Sub(most, least);
  const scale = Div(Where(Equal(range, 0), 1, range), 255);
  const zeroPoint = straightThrough(Clip(Div(Sub(0, least), scale), 0, 255), "uint8");
  return { y: held(Div(x, scale), zeroPoint, "uint8"), scale, zeroPoint };
}

/** A zero point or a scale of the rows, or of the columns, of a matrix. */
function ofLines(value: Value, lines: "rows" | "columns"): Value {
  if (value.rank !== 1 || value.shape[0] === 1) return value.rank === 1 ? Reshape(value, []) : value;
  return Reshape(value, lines === "rows" ? [-1, 1] : [1, -1]);
}

/** int32 beyond a zero point. */
const beyond = (x: Value, zeroPoint: Value | undefined): Value =>
  zeroPoint ? Sub(Cast(x, "int32"), Cast(zeroPoint, "int32")) : Cast(x, "int32");

spelling("MatMulInteger", "quantization", 10, "Cast, Sub, MatMul", "a matrix product of whole numbers, exactly");
/** ONNX MatMulInteger: int32. */
export const MatMulInteger = (a: Value, b: Value, aZero?: Value, bZero?: Value): Value =>
  MatMul(beyond(a, aZero && ofLines(aZero, "rows")), beyond(b, bZero && ofLines(bZero, "columns")));

type ConvOptions = WindowOptions & { readonly group?: number };

/** What belongs to each filter of weights `[filters, …]`. */
const ofFilters = (value: Value, w: Value): Value =>
  value.rank === 1 && value.shape[0] !== 1
    ? Reshape(value, [-1, ...w.shape.slice(1).map(() => 1)])
    : Reshape(value, []);

spelling("ConvInteger", "quantization", 10, "Cast, Sub, Conv", "a convolution of whole numbers, exactly");
/** ONNX ConvInteger: int32; over an open space in float32, which ONNX Runtime has a kernel for, as exactly as that is. */
export function ConvInteger(x: Value, w: Value, xZero?: Value, wZero?: Value, options: ConvOptions = {}): Value {
  const [whole, weights] = [beyond(x, xZero && Reshape(xZero, [])), beyond(w, wZero && ofFilters(wZero, w))];
  if (x.shape.slice(2).every((dim) => typeof dim === "number")) return Conv(whole, weights, undefined, options);
  return Cast(Round(Conv(Cast(whole, "float32"), Cast(weights, "float32"), undefined, options)), "int32");
}

/** Whole numbers, the scale that they are of, and their zero point. */
export interface Scaled {
  readonly x: Value;
  readonly scale: Value;
  readonly zeroPoint?: Value;
}

const floats = ({ x, scale, zeroPoint }: Scaled): Value => {
  const whole = straightThrough(x, scale.dtype);
  return zeroPoint ? Sub(whole, Cast(zeroPoint, scale.dtype)) : whole;
};

/** A product of whole numbers as whole numbers of another scale. */
function rescaled(product: Value, [a, b]: readonly [Value, Value], out: Omit<Scaled, "x">, dtype: DType): Value {
  return held(Mul(product, Div(Mul(a, b), out.scale)), out.zeroPoint, out.zeroPoint?.dtype ?? dtype);
}

spelling(
  "QLinearMatMul",
  "quantization",
  10,
  "MatMul, Mul, StraightThrough",
  "a matrix product of numbers in few bits",
);
/** ONNX QLinearMatMul. */
export function QLinearMatMul(a: Scaled, b: Scaled, out: Omit<Scaled, "x">): Value {
  const of = ({ x, scale, zeroPoint }: Scaled, lines: "rows" | "columns"): Scaled => ({
    x,
    scale: ofLines(scale, lines),
    ...(zeroPoint && { zeroPoint: ofLines(zeroPoint, lines) }),
  });
  const [left, right] = [of(a, "rows"), of(b, "columns")];
  return rescaled(MatMul(floats(left), floats(right)), [left.scale, right.scale], out, a.x.dtype);
}

spelling("QLinearConv", "quantization", 10, "Conv, Mul, StraightThrough", "a convolution of numbers in few bits");
/** ONNX QLinearConv; the bias is int32, of the scale of x times that of w. */
export function QLinearConv(
  x: Scaled,
  w: Scaled,
  out: Omit<Scaled, "x">,
  bias?: Value,
  options: ConvOptions = {},
): Value {
  const weights = { ...w, ...(w.zeroPoint && { zeroPoint: ofFilters(w.zeroPoint, w.x) }) };
  const scalar = { ...x, ...(x.zeroPoint && { zeroPoint: Reshape(x.zeroPoint, []) }) };
  const added = bias && straightThrough(bias, x.scale.dtype);
  const product = Conv(floats(scalar), floats(weights), added, options);
  const perFilter =
    w.scale.rank === 1 && w.scale.shape[0] !== 1
      ? Reshape(w.scale, [-1, ...product.shape.slice(2).map(() => 1)])
      : Reshape(w.scale, []);
  return rescaled(product, [Reshape(x.scale, []), perFilter], out, x.x.dtype);
}
