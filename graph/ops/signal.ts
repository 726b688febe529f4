// Signals: Fourier transforms, of a whole axis or of frames, windows, and the weights of the mel scale.
import type { DType } from "@innerloop/schemas";
import { spend } from "../core/budget.ts";
import { constant } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { at, upTo } from "../core/lists.ts";
import { spelling, unfit } from "../core/operator.ts";
import { fixed, normalizeAxis, sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Add, Div, Mul, Sub } from "./arithmetic.ts";
import { Cast } from "./dtypes.ts";
import { Cos } from "./functions.ts";
import { Gather, Range } from "./indexing.ts";
import { measureOf, plus } from "./internal/places.ts";
import { MatMul } from "./linear-algebra.ts";
import { Reshape, Transpose } from "./movement.ts";

/** Options of a Fourier transform, as ONNX names them. */
export interface DftOptions {
  /** The axis, of which the last is that of real and imaginary parts. */
  readonly axis?: number;
  /** How long the signal is taken to be: it is cut off, or zeros follow it. */
  readonly length?: number;
  readonly inverse?: boolean;
  /** Only the frequencies that a real signal has of its own. */
  readonly onesided?: boolean;
}

spelling("DFT", "signal", 20, "MatMul", "the discrete Fourier transform along an axis");
/** ONNX DFT of `x [batch, …, 1 or 2]`: real numbers, or real and imaginary parts. */
export function DFT(
  x: Value,
  { axis: counted = -2, length, inverse = false, onesided = false }: DftOptions = {},
): Value {
  const axis = normalizeAxis(counted, x.rank, "DFT");
  const parts = x.shape.at(-1);
  if (axis === x.rank - 1 || (parts !== 1 && parts !== 2))
    throw unfit("DFT", [x], "needs a last axis of 1 or 2 for the parts of complex numbers, and another to transform.");
  const size = fixed(at(x.shape, axis), "DFT");
  const whole = length ?? (inverse && onesided ? 2 * (size - 1) : size);
  const matrix = fourier(size, whole, { parts, inverse, onesided });
  const [inner, outer] = [matrix.rows / parts, matrix.columns / matrix.parts];
  const order = [...upTo(x.rank - 1).filter((i) => i !== axis), axis, x.rank - 1];
  const moved = Transpose(x, order);
  const lead = moved.shape.slice(0, -2);
  const rows = Reshape(moved, [sizeOf(lead), inner * parts]);
  const product = MatMul(rows, constant(matrix.numbers, [matrix.rows, matrix.columns], x.dtype));
  const y = Reshape(product, [...lead, outer, matrix.parts]);
  return Transpose(
    y,
    upTo(x.rank).map((i) => order.indexOf(i)),
  );
}

interface Matrix {
  readonly numbers: Float64Array;
  readonly rows: number;
  readonly columns: number;
  /** How many parts the numbers of the result have. */
  readonly parts: 1 | 2;
}

/** The transform of `size` numbers of one or two parts as a matrix. */
function fourier(
  size: number,
  length: number,
  { parts, inverse, onesided }: { parts: 1 | 2; inverse: boolean; onesided: boolean },
): Matrix {
  const half = Math.floor(length / 2) + 1;
  const real = inverse && onesided;
  const count = onesided && !inverse ? half : length;
  const outParts = real ? 1 : 2;
  const [rows, columns] = [size * parts, count * outParts];
  spend("numbers", rows * columns);
  const numbers = new Float64Array(rows * columns);
  const scale = inverse ? 1 / length : 1;
  for (let n = 0; n < Math.min(size, real ? half : length); n++) {
    // What a one-sided spectrum leaves out is the mirror image of what it has.
    const often = real && n > 0 && 2 * n !== length ? 2 : 1;
    for (let k = 0; k < count; k++) {
      const angle = (2 * Math.PI * ((n * k) % length)) / length;
      const [c, s] = [Math.cos(angle) * scale * often, Math.sin(angle) * scale * often * (inverse ? 1 : -1)];
      const [row, column] = [n * parts, k * outParts];
      numbers[row * columns + column] = c;
      if (outParts === 2) numbers[row * columns + column + 1] = s;
      if (parts === 2) {
        numbers[(row + 1) * columns + column] = -s;
        if (outParts === 2) numbers[(row + 1) * columns + column + 1] = c;
      }
    }
  }
  return { numbers, rows, columns, parts: outParts };
}

spelling("STFT", "signal", 17, "Gather, Mul, MatMul", "Fourier transforms of overlapping frames");
/**
 * ONNX STFT: `[batch, frames, frequencies, 2]`.
 * @param signal `[batch, length]`, or with a last axis for the parts of complex numbers
 * @param step from one frame to the next
 */
export function STFT(
  signal: Value,
  step: number,
  {
    window,
    length,
    onesided = true,
  }: { readonly window?: Value; readonly length?: number; readonly onesided?: boolean } = {},
): Value {
  const x = signal.rank === 2 ? Reshape(signal, [...signal.shape, 1]) : signal;
  if (x.rank !== 3) throw unfit("STFT", [signal], "needs [batch, length, 1 or 2].");
  const size = fixed(at(x.shape, 1), "STFT");
  const frame = length ?? (window ? fixed(at(window.shape, 0), "STFT") : size);
  const frames = Math.floor((size - frame) / step) + 1;
  if (!(frames > 0)) throw unfit("STFT", [signal], `is shorter than a frame of ${frame}.`);
  spend("numbers", frames * frame);
  const reads = upTo(frames).flatMap((i) => upTo(frame).map((n) => i * step + n));
  const cutOut = Gather(x, constant(reads, [frames, frame], "int64"), 1);
  const weighed = window ? Mul(cutOut, Reshape(window, [frame, 1])) : cutOut;
  return DFT(weighed, { axis: 2, onesided });
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
  readonly bins: number;
  readonly dftLength: number;
  readonly sampleRate: number;
  readonly lowerEdge: number;
  readonly upperEdge: number;
  readonly dtype?: DType;
}

spelling("MelWeightMatrix", "signal", 17, "a constant", "how much each frequency has in each band of the mel scale");
/** ONNX MelWeightMatrix: `[dftLength / 2 + 1, bins]`. */
export function MelWeightMatrix({
  bins,
  dftLength,
  sampleRate,
  lowerEdge,
  upperEdge,
  dtype = "float32",
}: MelOptions): Value {
  const rows = Math.floor(dftLength / 2) + 1;
  spend("numbers", rows * bins);
  const mel = (hertz: number) => (2595 * Math.log1p(hertz / 700)) / Math.LN10;
  const [low, high] = [mel(lowerEdge), mel(upperEdge)];
  const edges = upTo(bins + 2).map((i) => {
    const hertz = 700 * Math.expm1(((i * ((high - low) / (bins + 2)) + low) / 2595) * Math.LN10);
    return Math.floor(((dftLength + 1) * hertz) / sampleRate);
  });
  const numbers = new Float64Array(rows * bins);
  for (let i = 0; i < bins; i++) {
    const [left, centre, right] = [at(edges, i), at(edges, i + 1), at(edges, i + 2)];
    if (centre === left) numbers[centre * bins + i] = 1;
    else for (let j = left; j <= centre; j++) numbers[j * bins + i] = (j - left) / (centre - left);
    for (let j = centre; j < right; j++) numbers[j * bins + i] = (right - j) / (right - centre);
  }
  return constant(numbers, [rows, bins], dtype);
}
