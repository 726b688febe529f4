// Operators of ONNX Runtime's own domain, which its optimizer and its quantizer put in place of ONNX's: each is made of operators of
// `ai.onnx`, and written as it was read. Numbers in few bits go through as what they stand for.
import { InnerloopError } from "@innerloop/schemas";
import type { Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { cut } from "../../ops/internal/slicing.ts";
import { transposeLast } from "../../ops/internal/transpose.ts";
import { flag, float, floats, int, ints, text } from "../attributes.ts";
import type { ReadOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import { added, operator, without } from "./contributed-operator.ts";
import { windowAttributes, windowOf } from "./convolution.ts";
import { recurrentAttributes, recurrentOf } from "./recurrent.ts";

/** A matrix, or its transpose where that is asked for. */
const turned = (x: Value, turn: boolean): Value => (turn ? transposeLast(x) : x);

const scaled = (x: Value, factor: number): Value => (factor === 1 ? x : op.Mul(x, factor));

/** What whole numbers of an input stand for: its scale and its zero point are two other inputs, of all of it or of its last axis. */
function meaning(c: Call, i: number, scale: number, zeroPoint: number): Value {
  const zero = c.optional(zeroPoint);
  return op.DequantizeLinear(c.value(i), c.value(scale), { axis: -1, ...(zero && { zeroPoint: zero }) });
}

/** Whole numbers again, by the scale and the zero point of what comes out. */
function stored(y: Value, c: Call, scale: number, zeroPoint: number): Value {
  const zero = c.optional(zeroPoint);
  return op.QuantizeLinear(y, c.value(scale), { ...(zero && { zeroPoint: zero }) });
}

/** The activation that a fused operator has after it. */
function activated(y: Value, name: string | undefined, [a, b]: readonly (number | undefined)[] = []): Value {
  switch (name) {
    case undefined:
    case "":
      return y;
    case "Relu":
      return op.Relu(y);
    case "Sigmoid":
      return op.Sigmoid(y);
    case "Tanh":
      return op.Tanh(y);
    case "LeakyRelu":
      return op.LeakyRelu(y, { alpha: a ?? 0.01 });
    case "HardSigmoid":
      return op.HardSigmoid(y, { alpha: a ?? 0.2, beta: b ?? 0.5 });
    case "Clip":
      return op.Clip(y, a, b);
    default:
      throw new InnerloopError("unsupported-attribute", `has the activation ${name}, which is not known after it.`);
  }
}

/** Weights of a recurrent network `[directions, from, gates]` in few bits, as ONNX has them: with the gates first. */
function gates(c: Call, i: number, scale: number): Value {
  const sides = (value: Value): Value => op.Reshape(value, value.rank === 1 ? [0, 1, 1] : [0, 1, -1]);
  const whole = op.Cast(c.value(i), "float32");
  const zero = c.optional(scale + 1);
  const beyond = zero ? op.Sub(whole, op.Cast(sides(zero), "float32")) : whole;
  return op.Transpose(op.Mul(beyond, sides(c.value(scale))), [0, 2, 1]);
}

/** Numbers of a few bits that bytes have in their last axis, the lowest bits first, as floats. */
function unpacked(bytes: Value, bits: number): Value {
  const x = op.Cast(bytes, "float32");
  if (bits === 8) return x;
  const above = Array.from({ length: 8 / bits + 1 }, (_, i) => op.Floor(op.Mul(x, 2 ** (-bits * i))));
  const parts = above.slice(1).map((high, i) => op.Sub(above[i] ?? x, op.Mul(high, 2 ** bits)));
  const last = op.Concat(
    parts.map((each) => op.Unsqueeze(each, [x.rank])),
    x.rank,
  );
  return op.Reshape(last, [...x.shape.slice(0, -1), -1]);
}

const normed = { epsilon: float(1e-12) };

export const contributed: Readonly<Record<string, ReadOperator>> = {
  ...operator("BiasGelu", ["activation", "Add, Gelu", "Gelu of a sum"], {}, (c) =>
    op.Gelu(op.Add(c.value(0), c.value(1))),
  ),
  ...operator("FastGelu", ["activation", "Add, Gelu", "Gelu by tanh, of a sum where there is a bias"], {}, (c) =>
    op.Gelu(added(c.value(0), c.optional(1)), { approximate: "tanh" }),
  ),
  ...operator("Gelu", ["activation", "Gelu", "as that of ai.onnx"], {}, (c) => op.Gelu(c.value(0))),
  ...operator("QuickGelu", ["activation", "Swish", "x · sigmoid(alpha · x)"], { alpha: float(1.702) }, (c, { alpha }) =>
    op.Swish(c.value(0), { alpha }),
  ),
  ...operator(
    "FusedConv",
    ["convolution", "Conv", "a convolution, a sum and an activation"],
    { ...windowAttributes, kernel_shape: ints(), group: int(1), activation: text(), activation_params: floats() },
    (c, { group, activation, activation_params: parameters, kernel_shape: _, ...options }) => {
      const y = op.Conv(c.value(0), c.value(1), c.optional(2), { ...windowOf(options), group });
      return activated(added(y, c.optional(3)), activation, parameters);
    },
  ),
  ...operator(
    "FusedGemm",
    ["linear algebra", "Gemm", "a product, a sum and an activation"],
    {
      alpha: float(1),
      beta: float(1),
      transA: int(0),
      transB: int(0),
      activation: text(),
      activation_alpha: float(),
      activation_beta: float(),
      activation_gamma: float(),
    },
    (c, { activation, activation_alpha: a, activation_beta: b, activation_gamma: _, ...options }) =>
      activated(op.Gemm(c.value(0), c.value(1), c.optional(2), options), activation, [a, b]),
  ),
  ...operator(
    "FusedMatMul",
    ["linear algebra", "Transpose, MatMul, Mul", "a matrix product of what may be transposed, times alpha"],
    { alpha: float(1), transA: flag(false), transB: flag(false), transBatchA: flag(false), transBatchB: flag(false) },
    (c, { alpha, transA, transB, transBatchA, transBatchB }) => {
      if (transBatchA || transBatchB)
        throw new InnerloopError("unsupported-attribute", "turns its batches, which is not supported.");
      return scaled(op.MatMul(turned(c.value(0), transA), turned(c.value(1), transB)), alpha);
    },
  ),
  ...operator(
    "SkipLayerNormalization",
    ["normalization", "Add, LayerNormalization", "layer normalization of a sum, and the sum"],
    normed,
    (c, { epsilon }) => {
      const sum = added(op.Add(c.value(0), c.value(1)), c.optional(4));
      const y = op.LayerNormalization(sum, c.value(2), c.optional(3), { epsilon });
      const last = [sum.rank - 1];
      return [y, op.ReduceMean(sum, { axes: last }), op.InverseDeviation(sum, last, epsilon), sum];
    },
  ),
  ...operator(
    "DynamicQuantizeLSTM",
    [
      "recurrent",
      "Sub, Mul, LSTM",
      "LSTM with weights in few bits; in its parts what goes from step to step is not rounded",
    ],
    { ...recurrentAttributes, input_forget: flag(false) },
    (c, attributes) => {
      const { x, options, optional, back } = recurrentOf(c, attributes);
      const more = { initialC: optional(6), p: c.optional(7), inputForget: attributes.input_forget };
      return back(op.LSTM(x, gates(c, 1, 8), gates(c, 2, 10), { ...options, ...more }));
    },
  ),
  ...operator(
    "DynamicQuantizeMatMul",
    [
      "quantization",
      "DynamicQuantizeLinear, MatMul, Add",
      "a product with weights in few bits, of what is rounded as it comes",
    ],
    {},
    (c) => {
      const { y, scale, zeroPoint } = op.DynamicQuantizeLinear(c.value(0));
      const a = op.DequantizeLinear(y, scale, { zeroPoint });
      return added(op.MatMul(a, meaning(c, 1, 2, 3)), c.optional(4));
    },
  ),
  ...operator(
    "MatMulIntegerToFloat",
    ["quantization", "DequantizeLinear, MatMul, Add", "what the product of two matrices in few bits stands for"],
    {},
    (c) => added(op.MatMul(meaning(c, 0, 2, 4), meaning(c, 1, 3, 5)), c.optional(6)),
  ),
  ...operator(
    "MatMulNBits",
    [
      "quantization",
      "Cast, Floor, Sub, Mul, MatMul",
      "a product with weights in 2, 4 or 8 bits, whose scales are of blocks of a column",
    ],
    { K: int(), N: int(), bits: int(4), block_size: int(), accuracy_level: int(0), weight_prepacked: int(0) },
    (c, { K = 1, N = 1, bits, block_size: block = 1, weight_prepacked: prepacked }) => {
      without(prepacked !== 0, "weight_prepacked", "quantize the model without it");
      without(c.has(4), "g_idx", "quantize the model without it");
      const blocks = Math.ceil(K / block);
      const each = [N, blocks, 1];
      const zero = c.optional(3);
      const beyond = !zero
        ? 2 ** (bits - 1)
        : zero.dtype === "uint8"
          ? op.Reshape(cut(unpacked(op.Reshape(zero, [N, -1]), bits), 1, 0, blocks), each)
          : op.Reshape(zero, each);
      const whole = unpacked(op.Reshape(c.value(1), [N, blocks, -1]), bits);
      const scaled = op.Mul(op.Sub(whole, beyond), op.Reshape(c.value(2), each));
      const weight = cut(op.Reshape(scaled, [N, blocks * block]), 1, 0, K);
      return added(op.MatMul(c.value(0), transposeLast(weight)), c.optional(5));
    },
  ),
  ...operator("QLinearAdd", ["quantization", "DequantizeLinear, Add, QuantizeLinear", "a sum in few bits"], {}, (c) =>
    stored(op.Add(meaning(c, 0, 1, 2), meaning(c, 3, 4, 5)), c, 6, 7),
  ),
  ...operator(
    "QLinearMul",
    ["quantization", "DequantizeLinear, Mul, QuantizeLinear", "a product in few bits"],
    {},
    (c) => stored(op.Mul(meaning(c, 0, 1, 2), meaning(c, 3, 4, 5)), c, 6, 7),
  ),
  ...operator(
    "QLinearSigmoid",
    ["quantization", "DequantizeLinear, Sigmoid, QuantizeLinear", "the logistic function in few bits"],
    {},
    (c) => stored(op.Sigmoid(meaning(c, 0, 1, 2)), c, 3, 4),
  ),
  ...operator(
    "QLinearLeakyRelu",
    ["quantization", "DequantizeLinear, LeakyRelu, QuantizeLinear", "LeakyRelu in few bits"],
    { alpha: float(0.01) },
    (c, { alpha }) => stored(op.LeakyRelu(meaning(c, 0, 1, 2), { alpha }), c, 3, 4),
  ),
  ...operator(
    "QLinearGlobalAveragePool",
    ["quantization", "DequantizeLinear, ReduceMean, QuantizeLinear", "means over space in few bits"],
    { channels_last: flag(false) },
    (c, { channels_last: last }) => {
      const x = meaning(c, 0, 1, 2);
      const space = [...x.shape.keys()].slice(last ? 1 : 2, last ? -1 : undefined);
      return stored(op.ReduceMean(x, { axes: space }), c, 3, 4);
    },
  ),
  ...operator(
    "QLinearConcat",
    ["quantization", "DequantizeLinear, Concat, QuantizeLinear", "joined in few bits"],
    { axis: int() },
    (c, { axis = 1 }) => {
      const parts: Value[] = [];
      for (let i = 2; c.has(i); i += 3) parts.push(meaning(c, i, i + 1, i + 2));
      return stored(op.Concat(parts, axis), c, 0, 1);
    },
  ),
  ...operator(
    "QGemm",
    [
      "quantization",
      "DequantizeLinear, MatMul, Add, QuantizeLinear",
      "Gemm in few bits; floats where no scale is given for it",
    ],
    { alpha: float(1), transA: flag(false), transB: flag(false) },
    (c, { alpha, transA, transB }) => {
      const product = op.MatMul(turned(meaning(c, 0, 1, 2), transA), turned(weightOf(c, transB), transB));
      const bias = c.optional(6);
      const step = op.Mul(c.value(1), c.value(4));
      const y = scaled(bias ? op.Add(product, op.Mul(op.Cast(bias, "float32"), step)) : product, alpha);
      return c.has(7) ? stored(y, c, 7, 8) : y;
    },
  ),
};

/** The weights of a QGemm: their scales are of the columns of what is multiplied with. */
function weightOf(c: Call, turn: boolean): Value {
  const zero = c.optional(5);
  return op.DequantizeLinear(c.value(3), c.value(4), { axis: turn ? 0 : 1, ...(zero && { zeroPoint: zero }) });
}
