// The inverse functions of angles and hyperbolas, and whether a number is infinite.
import { Add, Div, Mul, Neg, Sub } from "./arithmetic.ts";
import { Sqrt } from "./functions.ts";
import { unary } from "./internal/elementwise.ts";

export const Acos = unary("Acos", {
  since: 7,
  summary: "arc cosine",
  tfjs: "Acos",
  compute: Math.acos,
  gradient: ({ g, inputs: [x] }) => [Neg(Div(g, Sqrt(Sub(1, Mul(x, x)))))],
});
export const Asin = unary("Asin", {
  since: 7,
  summary: "arc sine",
  tfjs: "Asin",
  compute: Math.asin,
  gradient: ({ g, inputs: [x] }) => [Div(g, Sqrt(Sub(1, Mul(x, x))))],
});
export const Acosh = unary("Acosh", {
  since: 9,
  summary: "inverse hyperbolic cosine",
  tfjs: "Acosh",
  compute: Math.acosh,
  gradient: ({ g, inputs: [x] }) => [Div(g, Sqrt(Sub(Mul(x, x), 1)))],
});
export const Asinh = unary("Asinh", {
  since: 9,
  summary: "inverse hyperbolic sine",
  tfjs: "Asinh",
  compute: Math.asinh,
  gradient: ({ g, inputs: [x] }) => [Div(g, Sqrt(Add(Mul(x, x), 1)))],
});
export const Atanh = unary("Atanh", {
  since: 9,
  summary: "inverse hyperbolic tangent",
  tfjs: "Atanh",
  compute: Math.atanh,
  gradient: ({ g, inputs: [x] }) => [Div(g, Sub(1, Mul(x, x)))],
});
export const IsInf = unary("IsInf", {
  since: 10,
  family: "comparison",
  summary: "whether x is infinite",
  tfjs: "IsInf",
  compute: (x) => (x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY ? 1 : 0),
  result: "bool",
});
