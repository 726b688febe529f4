// Arithmetic, number by number: sums, products, signs, rounding, and the larger or smaller of several.
import { applying, lift, spelling } from "../core/operator.ts";
import type { Operand, Value } from "../core/value.ts";
import { binary, unary } from "./internal/elementwise.ts";

export const Neg = unary("Neg", {
  since: 13,
  summary: "−x",
  float16: "range",
  tfjs: "Neg",
  compute: (x) => -x,
  gradient: ({ g }) => [Neg(g)],
});
export const Abs = unary("Abs", {
  since: 13,
  summary: "|x|",
  float16: "range",
  tfjs: "Abs",
  compute: Math.abs,
  gradient: ({ g, inputs: [x] }) => [Mul(g, Sign(x))],
});
export const Sign = unary("Sign", {
  since: 13,
  summary: "−1, 0 or 1",
  float16: "range",
  tfjs: "Sign",
  compute: Math.sign,
});
export const Positive = unary("Positive", { summary: "1 where x > 0, else 0", compute: (x) => (x > 0 ? 1 : 0) });
export const Floor = unary("Floor", { since: 13, summary: "rounded down", tfjs: "Floor", compute: Math.floor });
export const Ceil = unary("Ceil", { since: 13, summary: "rounded up", tfjs: "Ceil", compute: Math.ceil });
export const Round = unary("Round", {
  since: 11,
  summary: "nearest whole number, halves to even",
  tfjs: "Round",
  compute: roundHalfEven,
});
export const Add = binary("Add", {
  since: 14,
  summary: "a + b",
  float16: "range",
  tfjs: "Add",
  compute: (a, b) => a + b,
  gradient: ({ g }) => [g, g],
});
export const Sub = binary("Sub", {
  since: 14,
  summary: "a − b",
  float16: "range",
  tfjs: "Sub",
  compute: (a, b) => a - b,
  gradient: ({ g, needs }) => [g, needs(1) ? Neg(g) : undefined],
});
export const Mul = binary("Mul", {
  since: 14,
  summary: "a · b",
  float16: "range",
  tfjs: "Multiply",
  compute: (a, b) => a * b,
  gradient: ({ g, inputs: [x, y], needs }) => [needs(0) ? Mul(g, y) : undefined, needs(1) ? Mul(g, x) : undefined],
});
export const Div = binary("Div", {
  since: 14,
  summary: "a / b",
  tfjs: "RealDiv",
  compute: (a, b) => a / b,
  gradient: ({ g, inputs: [, y], z, needs }) => [
    needs(0) ? Div(g, y) : undefined,
    needs(1) ? Neg(Div(Mul(g, z), y)) : undefined,
  ],
});
const isA = (a: Value, b: Value): Value => Add(Mul(0.5, Positive(Sub(a, b))), Sub(0.5, Mul(0.5, Positive(Sub(b, a)))));
const maximum = binary("Max", {
  since: 13,
  summary: "the larger; ties share the derivative",
  float16: "range",
  tfjs: "Maximum",
  compute: Math.max,
  gradient: ({ g, inputs: [x, y] }) => [Mul(g, isA(x, y)), Mul(g, isA(y, x))],
});
const minimum = binary("Min", {
  since: 13,
  summary: "the smaller; ties share the derivative",
  float16: "range",
  tfjs: "Minimum",
  compute: Math.min,
  gradient: ({ g, inputs: [x, y] }) => [Mul(g, isA(y, x)), Mul(g, isA(x, y))],
});
/** The largest of any number of operands. */
export const Max = applying(
  maximum.operator,
  (first: Operand, ...others: Operand[]): Value => lift(others.reduce<Operand>(maximum, first)),
);
/** The smallest of any number of operands. */
export const Min = applying(
  minimum.operator,
  (first: Operand, ...others: Operand[]): Value => lift(others.reduce<Operand>(minimum, first)),
);

spelling("Sum", "elementwise", 13, "Add", "the sum of any number of operands");
export const Sum = (first: Operand, ...others: Operand[]): Value => lift(others.reduce<Operand>(Add, first));
spelling("Mean", "elementwise", 13, "Add, Mul", "the mean of any number of operands");
export const Mean = (...operands: readonly [Operand, ...Operand[]]): Value =>
  Mul(Sum(...operands), 1 / operands.length);

function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
