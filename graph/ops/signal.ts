// Signals: Fourier transforms, of a whole axis or of frames, windows, and the weights of the mel scale.
import type { DType } from "@innerloop/schemas";
import { spend } from "../core/budget.ts";
import { constant } from "../core/build.ts";
import { addDims, type Dim, multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { lift, spelling, unfit } from "../core/operator.ts";
import { fixed, normalizeAxis, sizeOf } from "../core/shapes.ts";
import { type Operand, Value } from "../core/value.ts";
import { Add, Div, Floor, Mul, Sub } from "./arithmetic.ts";
import { And, Equal, GreaterOrEqual, Less, LessOrEqual, Where } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { Cos, Exp, Log } from "./functions.ts";
import { Gather, Range } from "./indexing.ts";
import { SliceBy } from "./internal/computed.ts";
import { fourier, halfOf } from "./internal/fourier.ts";
import { measureOf, plus } from "./internal/places.ts";
import { sizeNumber, sizesOf } from "./internal/sizes.ts";
import { cut } from "./internal/slicing.ts";
import { MatMul } from "./linear-algebra.ts";
import { Reshape, Transpose, Unsqueeze } from "./movement.ts";
import { Pad } from "./parts.ts";

/** Options of a Fourier transform, as ONNX names them. */
export interface DftOptions {
  /** The axis, of which the last is that of real and imaginary parts; an int64 scalar where it is computed. */
  readonly axis?: number | Value;
  /** How long the signal is taken to be: it is cut off, or zeros follow it. */
  readonly length?: Dim;
  readonly inverse?: boolean;
  /** Only the frequencies that a real signal has of its own. */
  readonly onesided?: boolean;
}

spelling("DFT", "signal", 20, "MatMul", "the discrete Fourier transform along an axis");
/** ONNX DFT of `x [batch, …, 1 or 2]`: real numbers, or real and imaginary parts. */
export function DFT(x: Value, { axis: counted = -2, ...options }: DftOptions = {}): Value {
  if (counted instanceof Value) return alongComputed(x, counted, options);
  const axis = normalizeAxis(counted, x.rank, "DFT");
  const parts = x.shape.at(-1);
  if (axis === x.rank - 1 || (parts !== 1 && parts !== 2))
    throw unfit("DFT", [x], "needs a last axis of 1 or 2 for the parts of complex numbers, and another to transform.");
  const { inverse = false, onesided = false } = options;
  const size = at(x.shape, axis);
  const length = options.length ?? (inverse && onesided ? multiplyDims(addDims(size, -1), 2) : size);
  const { matrix, count, outParts } = fourier({ size, length, parts, inverse, onesided }, x.dtype);
  const order = [...upTo(x.rank - 1).filter((i) => i !== axis), axis, x.rank - 1];
  const moved = Transpose(x, order);
  const lead = moved.shape.slice(0, -2);
  const product = MatMul(Reshape(moved, [sizeOf(lead), multiplyDims(size, parts)]), matrix);
  return Transpose(
    Reshape(product, [...lead, count, outParts]),
    upTo(x.rank).map((i) => order.indexOf(i)),
  );
}

/** A transform along an axis that only comes out when the graph runs: one of those along each. */
function alongComputed(x: Value, axis: Value, options: Omit<DftOptions, "axis">): Value {
  const counted = Reshape(Cast(axis, "int64"), []);
  const own = Where(Less(counted, 0), Add(counted, x.rank), counted);
  // Of one frequency alone there is no real signal.
  const { inverse = false, onesided = false, length } = options;
  const alone = (i: number) => inverse && onesided && length === undefined && x.shape[i] === 1;
  const axes = upTo(x.rank - 1).filter((i) => !alone(i));
  const all = axes.map((i) => DFT(x, { ...options, axis: i }));
  const sizes = upTo(x.rank).map((i) => all.map((y) => fixed(at(y.shape, i), "DFT along a computed axis")));
  const most = sizes.map((list) => Math.max(...list));
  const pick = (of: (place: number) => Value): Value =>
    axes.reduce((chosen, axis, i) => (i === 0 ? chosen : Where(Equal(own, axis), of(i), chosen)), of(0));
  const widened = (y: Value) =>
    Pad(y, [...most.map(() => 0), ...zip(most, y.shape, (size, own) => size - Number(own))]);
  const whole = pick((i) => widened(at(all, i)));
  if (sizes.every((list) => new Set(list).size === 1)) return whole;
  const ends = pick((i) =>
    constant(
      sizes.map((list) => at(list, i)),
      [x.rank],
      "int64",
    ),
  );
  return SliceBy(
    whole,
    constant(
      sizes.map(() => 0),
      [x.rank],
      "int64",
    ),
    ends,
  );
}

spelling("STFT", "signal", 17, "Gather, Mul, MatMul", "Fourier transforms of overlapping frames");
/**
 * ONNX STFT: `[batch, frames, frequencies, 2]`.
 * @param signal `[batch, length]`, or with a last axis for the parts of complex numbers
 * @param step from one frame to the next; an int64 scalar where it is computed
 */
export function STFT(
  signal: Value,
  step: number | Value,
  {
    window,
    length,
    onesided = true,
  }: { readonly window?: Value; readonly length?: Dim; readonly onesided?: boolean } = {},
): Value {
  const x = signal.rank === 2 ? Reshape(signal, [...signal.shape, 1]) : signal;
  if (x.rank !== 3) throw unfit("STFT", [signal], "needs [batch, length, 1 or 2].");
  const size = at(x.shape, 1);
  const frame = length ?? (window ? at(window.shape, 0) : size);
  const cutOut = Gather(x, framesOf(size, frame, step), 1);
  const weighed = window ? Mul(cutOut, Reshape(window, [at(window.shape, 0), 1])) : cutOut;
  return DFT(weighed, { axis: 2, onesided });
}

/** The places of a signal that each frame reads, `[frames, frame]`. */
function framesOf(size: Dim, frame: Dim, step: number | Value): Value {
  if (typeof size === "number" && typeof frame === "number" && typeof step === "number") {
    const frames = Math.floor((size - frame) / step) + 1;
    if (!(frames > 0)) throw unfit("STFT", [], `a signal of ${size} is shorter than a frame of ${frame}.`);
    spend("numbers", frames * frame);
    const reads = upTo(frames).flatMap((i) => upTo(frame).map((n) => i * step + n));
    return constant(reads, [frames, frame], "int64");
  }
  const by = typeof step === "number" ? constant(step, [], "int64") : Reshape(Cast(step, "int64"), []);
  const [frames = 1] = sizesOf(Add(Div(Sub(sizeNumber(size), sizeNumber(frame)), by), 1));
  return Add(Mul(Unsqueeze(Range(frames), [1]), by), Unsqueeze(Range(frame), [0]));
}

/** The cosines that a window is made of: the share of each, from the constant on. */
type Cosines = readonly number[];
const windows = {
  hann: [0.5, -0.5],
  hamming: [25 / 46, -21 / 46],
  blackman: [0.42, -0.5, 0.08],
} satisfies Record<string, Cosines>;

function cosineWindow(size: Dim, shares: Cosines, periodic: boolean, dtype: DType): Value {
  if (typeof size === "number") {
    spend("numbers", size);
    const period = periodic ? size : size - 1;
    const at = (n: number) =>
      shares.reduce((sum, share, i) => sum + share * Math.cos((2 * Math.PI * n * i) / period), 0);
    return constant(Float64Array.from(upTo(size), at), [size], dtype);
  }
  const period = plus(measureOf(size, dtype), periodic ? 0 : -1);
  const turn = Mul(Div(Cast(Range(size), dtype), period), 2 * Math.PI);
  const [first = 0, ...others] = shares;
  return others.reduce<Value>(
    (sum, share, i) => Add(sum, Mul(Cos(Mul(turn, i + 1)), share)),
    Sub(Mul(turn, 0), -first),
  );
}

/** Options of a window, as ONNX names them. */
export interface CosineOptions {
  /** Whether it is the first part of a window of one more, as spectra need it. */
  readonly periodic?: boolean;
  readonly dtype?: DType;
}
const cosine =
  (shares: Cosines) =>
  (size: Dim, { periodic = true, dtype = "float32" }: CosineOptions = {}): Value =>
    cosineWindow(size, shares, periodic, dtype);

spelling("HannWindow", "signal", 17, "a constant", "½ − ½ cos");
export const HannWindow = cosine(windows.hann);
spelling("HammingWindow", "signal", 17, "a constant", "25/46 − 21/46 cos");
export const HammingWindow = cosine(windows.hamming);
spelling("BlackmanWindow", "signal", 17, "a constant", "0.42 − ½ cos + 0.08 cos of twice the angle");
export const BlackmanWindow = cosine(windows.blackman);

/** What weights of the mel scale are made for, as ONNX names it; edges in hertz. */
export interface MelOptions {
  readonly bins: Dim;
  readonly dftLength: Dim;
  readonly sampleRate: Operand;
  readonly lowerEdge: Operand;
  readonly upperEdge: Operand;
  readonly dtype?: DType;
}

spelling(
  "MelWeightMatrix",
  "signal",
  17,
  "Floor, Exp, Where",
  "how much each frequency has in each band of the mel scale",
);
/** ONNX MelWeightMatrix: `[dftLength / 2 + 1, bins]`. */
export function MelWeightMatrix(options: MelOptions): Value {
  const exact = (x: Operand) => Cast(lift(x, "float64"), "float64");
  const { bins, dftLength, dtype = "float32" } = options;
  const mel = (hertz: Operand) => Mul(Log(Add(1, Div(exact(hertz), 700))), 2595 / Math.LN10);
  const [low, high] = [mel(options.lowerEdge), mel(options.upperEdge)];
  const step = Div(Sub(high, low), exact(measureOf(addDims(bins, 2), "float64")));
  const mels = Add(Mul(Cast(Range(addDims(bins, 2)), "float64"), step), low);
  const hertz = Mul(Sub(Exp(Mul(mels, Math.LN10 / 2595)), 1), 700);
  const whole = plus(measureOf(dftLength, "float64"), 1);
  const edges = Floor(Div(Mul(hertz, whole), exact(options.sampleRate)));
  const edge = (i: number) => Unsqueeze(cut(edges, 0, i, addDims(bins, i)), [0]);
  const [left, centre, right] = [edge(0), edge(1), edge(2)];
  const row = Unsqueeze(Cast(Range(halfOf(dftLength)), "float64"), [1]);
  const rising = And(GreaterOrEqual(row, left), LessOrEqual(row, centre));
  const alone = Equal(left, centre);
  const up = Where(rising, Where(alone, 1, Div(Sub(row, left), Where(alone, 1, Sub(centre, left)))), 0);
  const falling = And(GreaterOrEqual(row, centre), Less(row, right));
  const none = Equal(right, centre);
  return Cast(Where(falling, Div(Sub(right, row), Where(none, 1, Sub(right, centre))), up), dtype);
}
