// What ONNX Runtime's processor has no kernel for in float64: written as its parts, so that a model in float64 runs where its
// numbers are compared with.
import type { Inputs, Operator } from "../core/value.ts";
import { Abs, Add, Div, Max, Mul, Neg, Sub } from "../ops/arithmetic.ts";
import { Cos, Cosh, Exp, Log, Sin, Sinh, Softplus, Tan } from "../ops/functions.ts";
import { lowering } from "./lower.ts";

/** ONNX operators that run in float32 alone, of those that are made of others (ONNX Runtime 1.32, processor). */
const singleOnly = new Set([
  ...[
    "Conv",
    "ConvTranspose",
    "AveragePool",
    "LpPool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GlobalLpPool",
    "MaxUnpool",
  ],
  ...[
    "LRN",
    "InstanceNormalization",
    "MeanVarianceNormalization",
    "Mean",
    "Det",
    "Col2Im",
    "Resize",
    "RNN",
    "RotaryEmbedding",
  ],
  ...[
    "Gelu",
    "Elu",
    "Selu",
    "Celu",
    "Mish",
    "HardSwish",
    "HardSigmoid",
    "LeakyRelu",
    "PRelu",
    "Softsign",
    "ThresholdedRelu",
  ],
  ...["Hardmax", "Asin", "Acos", "Asinh", "Acosh", "Atanh"],
]);

/** Whether an operator has to be taken apart, since it computes in float64. */
export const lacksDouble = (operator: Operator, inputs: Inputs): boolean =>
  singleOnly.has(operator.writtenAs ?? operator.name) &&
  operator.decompose !== undefined &&
  inputs.some((value) => value?.dtype === "float64");

/** The same of operators that have derivatives of their own. */
export const doubles = [
  lowering(Tan, ([x]) => (x.dtype === "float64" ? [Div(Sin(x), Cos(x))] : undefined)),
  lowering(Sinh, ([x]) => (x.dtype === "float64" ? [Mul(Sub(Exp(x), Exp(Neg(x))), 0.5)] : undefined)),
  lowering(Cosh, ([x]) => (x.dtype === "float64" ? [Mul(Add(Exp(x), Exp(Neg(x))), 0.5)] : undefined)),
  lowering(Softplus, ([x]) => (x.dtype === "float64" ? [Add(Max(x, 0), Log(Add(1, Exp(Neg(Abs(x))))))] : undefined)),
];
