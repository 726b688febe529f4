// Functions of one number, powers, and the activations that ONNX has as operators of one node.
import { Add, Div, Mul, Neg, Positive, Sub } from "./arithmetic.ts";
import { binary, unary } from "./internal/elementwise.ts";

export const Exp = unary("Exp", {
  since: 13,
  summary: "eˣ",
  tfjs: "Exp",
  compute: Math.exp,
  gradient: ({ g, z }) => [Mul(g, z)],
});
export const Log = unary("Log", {
  since: 13,
  summary: "natural logarithm",
  tfjs: "Log",
  compute: Math.log,
  gradient: ({ g, inputs: [x] }) => [Div(g, x)],
});
export const Sqrt = unary("Sqrt", {
  since: 13,
  summary: "√x",
  tfjs: "Sqrt",
  compute: Math.sqrt,
  gradient: ({ g, z }) => [Div(Mul(g, 0.5), z)],
});
export const Reciprocal = unary("Reciprocal", {
  since: 13,
  summary: "1/x",
  tfjs: "Reciprocal",
  compute: (x) => 1 / x,
  gradient: ({ g, z }) => [Neg(Mul(g, Mul(z, z)))],
});
export const Pow = binary("Pow", {
  since: 15,
  summary: "a to the power b",
  tfjs: "Pow",
  compute: (a, b) => a ** b,
  gradient: ({ g, inputs: [x, y], z, needs }) => [
    needs(0) ? Mul(g, Mul(y, Pow(x, Sub(y, 1)))) : undefined,
    needs(1) ? Mul(g, Mul(z, Log(x))) : undefined,
  ],
});
export const Sin = unary("Sin", {
  since: 7,
  summary: "sine",
  tfjs: "Sin",
  compute: Math.sin,
  gradient: ({ g, inputs: [x] }) => [Mul(g, Cos(x))],
});
export const Cos = unary("Cos", {
  since: 7,
  summary: "cosine",
  tfjs: "Cos",
  compute: Math.cos,
  gradient: ({ g, inputs: [x] }) => [Neg(Mul(g, Sin(x)))],
});
export const Tan = unary("Tan", {
  since: 7,
  summary: "tangent",
  tfjs: "Tan",
  compute: Math.tan,
  gradient: ({ g, z }) => [Mul(g, Add(1, Mul(z, z)))],
});
export const Atan = unary("Atan", {
  since: 7,
  summary: "arc tangent",
  tfjs: "Atan",
  compute: Math.atan,
  gradient: ({ g, inputs: [x] }) => [Div(g, Add(1, Mul(x, x)))],
});
export const Sinh = unary("Sinh", {
  since: 9,
  summary: "hyperbolic sine",
  tfjs: "Sinh",
  compute: Math.sinh,
  gradient: ({ g, inputs: [x] }) => [Mul(g, Cosh(x))],
});
export const Cosh = unary("Cosh", {
  since: 9,
  summary: "hyperbolic cosine",
  tfjs: "Cosh",
  compute: Math.cosh,
  gradient: ({ g, inputs: [x] }) => [Mul(g, Sinh(x))],
});
export const Erf = unary("Erf", {
  since: 13,
  summary: "the error function",
  tfjs: "Erf",
  compute: erf,
  gradient: ({ g, inputs: [x] }) => [Mul(g, Mul(2 / Math.sqrt(Math.PI), Exp(Neg(Mul(x, x)))))],
});
export const Tanh = unary("Tanh", {
  since: 13,
  family: "activation",
  summary: "hyperbolic tangent",
  float16: "range",
  tfjs: "Tanh",
  compute: Math.tanh,
  gradient: ({ g, z }) => [Mul(g, Sub(1, Mul(z, z)))],
});
export const Sigmoid = unary("Sigmoid", {
  since: 13,
  family: "activation",
  summary: "1 / (1 + e⁻ˣ)",
  float16: "range",
  tfjs: "Sigmoid",
  compute: (x) => 1 / (1 + Math.exp(-x)),
  gradient: ({ g, z }) => [Mul(g, Mul(z, Sub(1, z)))],
});
export const Softplus = unary("Softplus", {
  since: 1,
  family: "activation",
  summary: "log(1 + eˣ)",
  tfjs: "Softplus",
  compute: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  gradient: ({ g, inputs: [x] }) => [Mul(g, Sigmoid(x))],
});
export const Relu = unary("Relu", {
  since: 14,
  family: "activation",
  summary: "max(x, 0); derivative 0 at 0",
  float16: "range",
  tfjs: "Relu",
  compute: (x) => Math.max(x, 0),
  gradient: ({ g, z }) => [Mul(Positive(z), g)],
});

/** erf to float64 precision: the Maclaurin series near 0, the continued fraction of erfc beyond (Abramowitz & Stegun 7.1.5, 7.1.14). */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}
