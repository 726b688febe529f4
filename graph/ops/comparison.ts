// Comparison and logic, number by number, and the choice by what they give.
import { apply1, applying, liftPair } from "../core/operator.ts";
import type { None, One, Operand, Operator, Traits, Value } from "../core/value.ts";
import { binary, elementwise, unary } from "./internal/elementwise.ts";

export const IsNaN = unary("IsNaN", {
  since: 13,
  family: "comparison",
  summary: "whether x is NaN",
  tfjs: "IsNan",
  compute: (x) => (Number.isNaN(x) ? 1 : 0),
  result: "bool",
});
export const Not = unary("Not", {
  since: 1,
  family: "comparison",
  summary: "logical not",
  tfjs: "LogicalNot",
  compute: (x) => (x ? 0 : 1),
  result: "bool",
});

const comparison = (
  name: string,
  since: number,
  summary: string,
  compute: (a: number, b: number) => number,
  traits: Pick<Traits, "float16" | "tfjs">,
) => binary(name, { since, family: "comparison", summary, compute, result: "bool", ...traits });
export const Equal = comparison("Equal", 13, "a = b", (a, b) => (a === b ? 1 : 0), { float16: "range", tfjs: "Equal" });
export const Less = comparison("Less", 13, "a < b", (a, b) => (a < b ? 1 : 0), { float16: "range", tfjs: "Less" });
export const LessOrEqual = comparison("LessOrEqual", 16, "a ≤ b", (a, b) => (a <= b ? 1 : 0), {
  float16: "range",
  tfjs: "LessEqual",
});
export const Greater = comparison("Greater", 13, "a > b", (a, b) => (a > b ? 1 : 0), {
  float16: "range",
  tfjs: "Greater",
});
export const GreaterOrEqual = comparison("GreaterOrEqual", 16, "a ≥ b", (a, b) => (a >= b ? 1 : 0), {
  float16: "range",
  tfjs: "GreaterEqual",
});
export const And = comparison("And", 7, "logical and", (a, b) => (a && b ? 1 : 0), { tfjs: "LogicalAnd" });
export const Or = comparison("Or", 7, "logical or", (a, b) => (a || b ? 1 : 0), { tfjs: "LogicalOr" });
export const Xor = comparison("Xor", 7, "logical exclusive or", (a, b) => (!a !== !b ? 1 : 0), { tfjs: "NotEqual" });

const where: Operator<None, readonly [Value, Value, Value], One> = elementwise(
  "Where",
  {
    since: 16,
    summary: "a where the condition holds, else b",
    float16: "range",
    compute: (condition, a = 0, b = 0) => (condition ? a : b),
    conditions: 1,
    gradient: ({ g, inputs: [condition] }) => [undefined, Where(condition, g, 0), Where(condition, 0, g)],
  },
  3,
);
export const Where = applying(
  where,
  (condition: Value, a: Operand, b: Operand): Value => apply1(where, [condition, ...liftPair(a, b)]),
);
