// Elementwise arithmetic, comparison and logic, with NumPy broadcasting (ONNX, "Multidirectional broadcasting").
import type { DType } from "@innerloop/schemas";
import { broadcastShapes, type Dim, type Shape, sameShape } from "../core/dims.ts";
import {
  apply1,
  type Derivative,
  define,
  type Family,
  isFloat,
  lift,
  liftPair,
  type Operator,
  spelling,
  unfit,
  zeroDerivative,
} from "../core/operator.ts";
import { constant, type NumberArray, type Operand, type Value } from "../core/value.ts";
import { Expand, Reshape } from "./movement.ts";
import { ReduceSum } from "./reduction.ts";

/** Sums a cotangent over the axes along which a value of `shape` was broadcast. */
export function unbroadcast(cotangent: Value, shape: Shape): Value {
  if (sameShape(cotangent.shape, shape)) return cotangent;
  const extra = cotangent.rank - shape.length;
  const axes: number[] = [];
  for (let axis = 0; axis < cotangent.rank; axis++)
    if (axis < extra || (shape[axis - extra] === 1 && cotangent.shape[axis] !== 1)) axes.push(axis);
  return Reshape(axes.length > 0 ? ReduceSum(cotangent, { axes, keepdims: false }) : cotangent, shape);
}

/** Brings operands with a leading task axis to one rank, so that this axis stays first under broadcasting. */
export function alignBatched(inputs: readonly Value[], batched: readonly boolean[]): Value[] {
  const rank = Math.max(...inputs.map((x, i) => x.rank - (batched[i] ? 1 : 0)));
  return inputs.map((x, i) => {
    const missing = rank + 1 - x.rank;
    if (!batched[i] || missing === 0) return x;
    return Reshape(x, [x.shape[0]!, ...new Array<Dim>(missing).fill(1), ...x.shape.slice(1)]);
  });
}

/** For each position of `shape`, the position in an array of shape `from` that broadcasting reads. */
function* broadcastPositions(from: readonly number[], shape: readonly number[]): Generator<number> {
  const strides = new Array<number>(shape.length).fill(0);
  for (let axis = shape.length - 1, stride = 1, f = from.length - 1; f >= 0; axis--, f--) {
    strides[axis] = from[f] === 1 ? 0 : stride;
    stride *= from[f]!;
  }
  const index = new Array<number>(shape.length).fill(0);
  const total = shape.reduce((a, b) => a * b, 1);
  for (let n = 0, at = 0; n < total; n++) {
    yield at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/** An array's numbers laid out as broadcasting to `shape` reads them. */
export function broadcastTo(array: NumberArray, shape: readonly number[]): Float64Array {
  if (sameShape(array.shape, shape)) return array.data;
  const out = new Float64Array(shape.reduce((a, b) => a * b, 1));
  let n = 0;
  for (const at of broadcastPositions(array.shape, shape)) out[n++] = array.data[at]!;
  return out;
}

/** Rounds whole-number results as their dtype would hold them; floats stay in float64. */
function asDType(x: number, dtype: DType): number {
  if (isFloat(dtype)) return x;
  if (dtype === "bool") return x !== 0 ? 1 : 0;
  return Math.trunc(x);
}

interface Elementwise {
  readonly since?: number;
  readonly family?: Family;
  readonly summary: string;
  readonly compute: (...x: number[]) => number;
  readonly result?: DType;
  readonly gradient?: (d: Derivative & { g: Value; x: Value; y: Value; z: Value }) => (Value | undefined)[];
}

function broadcastDerivative(
  d: Derivative,
  rule: NonNullable<Elementwise["gradient"]>,
): readonly (Value | undefined)[] {
  const g = d.cotangents[0];
  if (!g) return [];
  const [x, y] = d.inputs;
  const cotangents = rule({ ...d, g, x: x!, y: y!, z: d.outputs[0]! });
  return cotangents.map((c, i) => c && unbroadcast(c, d.inputs[i]!.shape));
}

/** One elementwise operator of any number of broadcast operands. */
function elementwise(name: string, arity: number, rule: Elementwise): Operator {
  const derivative = rule.gradient;
  return define({
    name,
    family: rule.family ?? "elementwise",
    summary: rule.summary,
    ...(rule.since === undefined ? {} : { since: rule.since }),
    infer(inputs) {
      const dtypes = new Set(inputs.slice(name === "Where" ? 1 : 0).map((x) => x.dtype));
      if (dtypes.size > 1) throw unfit(name, inputs, "the operands need one dtype; use Cast on one of them.");
      const shape = inputs.map((x) => x.shape).reduce<Shape | undefined>((a, b) => a && broadcastShapes(a, b), []);
      if (!shape)
        throw unfit(name, inputs, "the shapes do not broadcast: aligned at the right, sizes must be equal or 1.");
      return [{ dtype: rule.result ?? inputs[arity - 1]!.dtype, shape }];
    },
    gradient: derivative ? (d) => broadcastDerivative(d, derivative) : zeroDerivative,
    batch: (inputs, batched, attributes) => [apply1(this_(), alignBatched(inputs, batched), attributes)],
    evaluate({ inputs, shapes, outputs }) {
      const arrays = inputs.map((x) => broadcastTo(x, shapes[0]!));
      const dtype = outputs[0]!.dtype;
      const length = shapes[0]!.reduce((a, b) => a * b, 1);
      return [Float64Array.from({ length }, (_, i) => asDType(rule.compute(...arrays.map((a) => a[i]!)), dtype))];
    },
  });
  function this_(): Operator {
    return table[name]!;
  }
}

const table: Record<string, Operator> = {};
const make = (name: string, arity: number, rule: Elementwise): Operator => {
  table[name] = elementwise(name, arity, rule);
  return table[name];
};
const unary = (name: string, rule: Elementwise) => {
  const operator = make(name, 1, rule);
  return (x: Operand): Value => apply1(operator, [lift(x)]);
};
const binary = (name: string, rule: Elementwise) => {
  const operator = make(name, 2, rule);
  return (a: Operand, b: Operand): Value => apply1(operator, liftPair(a, b));
};

// One operand.
export const Neg = unary("Neg", { since: 13, summary: "−x", compute: (x) => -x, gradient: ({ g }) => [Neg(g)] });
export const Abs = unary("Abs", {
  since: 13,
  summary: "|x|",
  compute: Math.abs,
  gradient: ({ g, x }) => [Mul(g, Sign(x))],
});
export const Sign = unary("Sign", { since: 13, summary: "−1, 0 or 1", compute: Math.sign });
export const Positive = unary("Positive", { summary: "1 where x > 0, else 0", compute: (x) => (x > 0 ? 1 : 0) });
export const Exp = unary("Exp", { since: 13, summary: "eˣ", compute: Math.exp, gradient: ({ g, z }) => [Mul(g, z)] });
export const Log = unary("Log", {
  since: 13,
  summary: "natural logarithm",
  compute: Math.log,
  gradient: ({ g, x }) => [Div(g, x)],
});
export const Sqrt = unary("Sqrt", {
  since: 13,
  summary: "√x",
  compute: Math.sqrt,
  gradient: ({ g, z }) => [Div(Mul(g, 0.5), z)],
});
export const Reciprocal = unary("Reciprocal", {
  since: 13,
  summary: "1/x",
  compute: (x) => 1 / x,
  gradient: ({ g, z }) => [Neg(Mul(g, Mul(z, z)))],
});
export const Sin = unary("Sin", {
  since: 7,
  summary: "sine",
  compute: Math.sin,
  gradient: ({ g, x }) => [Mul(g, Cos(x))],
});
export const Cos = unary("Cos", {
  since: 7,
  summary: "cosine",
  compute: Math.cos,
  gradient: ({ g, x }) => [Neg(Mul(g, Sin(x)))],
});
export const Tan = unary("Tan", {
  since: 7,
  summary: "tangent",
  compute: Math.tan,
  gradient: ({ g, z }) => [Mul(g, Add(1, Mul(z, z)))],
});
export const Atan = unary("Atan", {
  since: 7,
  summary: "arc tangent",
  compute: Math.atan,
  gradient: ({ g, x }) => [Div(g, Add(1, Mul(x, x)))],
});
export const Sinh = unary("Sinh", {
  since: 9,
  summary: "hyperbolic sine",
  compute: Math.sinh,
  gradient: ({ g, x }) => [Mul(g, Cosh(x))],
});
export const Cosh = unary("Cosh", {
  since: 9,
  summary: "hyperbolic cosine",
  compute: Math.cosh,
  gradient: ({ g, x }) => [Mul(g, Sinh(x))],
});
export const Tanh = unary("Tanh", {
  since: 13,
  family: "activation",
  summary: "hyperbolic tangent",
  compute: Math.tanh,
  gradient: ({ g, z }) => [Mul(g, Sub(1, Mul(z, z)))],
});
export const Sigmoid = unary("Sigmoid", {
  since: 13,
  family: "activation",
  summary: "1 / (1 + e⁻ˣ)",
  compute: (x) => 1 / (1 + Math.exp(-x)),
  gradient: ({ g, z }) => [Mul(g, Mul(z, Sub(1, z)))],
});
export const Softplus = unary("Softplus", {
  since: 1,
  family: "activation",
  summary: "log(1 + eˣ)",
  compute: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  gradient: ({ g, x }) => [Mul(g, Sigmoid(x))],
});
export const Relu = unary("Relu", {
  since: 14,
  family: "activation",
  summary: "max(x, 0); derivative 0 at 0",
  compute: (x) => Math.max(x, 0),
  gradient: ({ g, z }) => [Mul(g, Positive(z))],
});
export const Erf = unary("Erf", {
  since: 13,
  summary: "the error function",
  compute: erf,
  gradient: ({ g, x }) => [Mul(g, Mul(2 / Math.sqrt(Math.PI), Exp(Neg(Mul(x, x)))))],
});
export const Floor = unary("Floor", { since: 13, summary: "rounded down", compute: Math.floor });
export const Ceil = unary("Ceil", { since: 13, summary: "rounded up", compute: Math.ceil });
export const Round = unary("Round", {
  since: 11,
  summary: "nearest whole number, halves to even",
  compute: roundHalfEven,
});
export const IsNaN = unary("IsNaN", {
  since: 13,
  family: "comparison",
  summary: "whether x is NaN",
  compute: (x) => (Number.isNaN(x) ? 1 : 0),
  result: "bool",
});
export const Not = unary("Not", {
  since: 1,
  family: "comparison",
  summary: "logical not",
  compute: (x) => (x ? 0 : 1),
  result: "bool",
});

// Two operands.
export const Add = binary("Add", {
  since: 14,
  summary: "a + b",
  compute: (a, b) => a + b,
  gradient: ({ g }) => [g, g],
});
export const Sub = binary("Sub", {
  since: 14,
  summary: "a − b",
  compute: (a, b) => a - b,
  gradient: ({ g, needs }) => [g, needs(1) ? Neg(g) : undefined],
});
export const Mul = binary("Mul", {
  since: 14,
  summary: "a · b",
  compute: (a, b) => a * b,
  gradient: ({ g, x, y, needs }) => [needs(0) ? Mul(g, y) : undefined, needs(1) ? Mul(g, x) : undefined],
});
export const Div = binary("Div", {
  since: 14,
  summary: "a / b",
  compute: (a, b) => a / b,
  gradient: ({ g, y, z, needs }) => [needs(0) ? Div(g, y) : undefined, needs(1) ? Neg(Div(Mul(g, z), y)) : undefined],
});
export const Pow = binary("Pow", {
  since: 15,
  summary: "a to the power b",
  compute: (a, b) => a ** b,
  gradient: ({ g, x, y, z, needs }) => [
    needs(0) ? Mul(g, Mul(y, Pow(x, Sub(y, 1)))) : undefined,
    needs(1) ? Mul(g, Mul(z, Log(x))) : undefined,
  ],
});
const isA = (a: Value, b: Value): Value => Add(Mul(0.5, Positive(Sub(a, b))), Sub(0.5, Mul(0.5, Positive(Sub(b, a)))));
const maximum = binary("Max", {
  since: 13,
  summary: "the larger; ties share the derivative",
  compute: Math.max,
  gradient: ({ g, x, y }) => [Mul(g, isA(x, y)), Mul(g, isA(y, x))],
});
const minimum = binary("Min", {
  since: 13,
  summary: "the smaller; ties share the derivative",
  compute: Math.min,
  gradient: ({ g, x, y }) => [Mul(g, isA(y, x)), Mul(g, isA(x, y))],
});
/** The largest of any number of operands. */
export const Max = (first: Operand, ...others: Operand[]): Value => lift(others.reduce<Operand>(maximum, first));
/** The smallest of any number of operands. */
export const Min = (first: Operand, ...others: Operand[]): Value => lift(others.reduce<Operand>(minimum, first));

spelling("Sum", "elementwise", 13, "Add", "the sum of any number of operands");
export const Sum = (first: Operand, ...others: Operand[]): Value => lift(others.reduce<Operand>(Add, first));
spelling("Mean", "elementwise", 13, "Add, Mul", "the mean of any number of operands");
export const Mean = (...operands: readonly [Operand, ...Operand[]]): Value =>
  Mul(Sum(...operands), 1 / operands.length);

const comparison = (name: string, since: number, summary: string, compute: (a: number, b: number) => number) =>
  binary(name, { since, family: "comparison", summary, compute, result: "bool" });
export const Equal = comparison("Equal", 13, "a = b", (a, b) => (a === b ? 1 : 0));
export const Less = comparison("Less", 13, "a < b", (a, b) => (a < b ? 1 : 0));
export const LessOrEqual = comparison("LessOrEqual", 16, "a ≤ b", (a, b) => (a <= b ? 1 : 0));
export const Greater = comparison("Greater", 13, "a > b", (a, b) => (a > b ? 1 : 0));
export const GreaterOrEqual = comparison("GreaterOrEqual", 16, "a ≥ b", (a, b) => (a >= b ? 1 : 0));
export const And = comparison("And", 7, "logical and", (a, b) => (a && b ? 1 : 0));
export const Or = comparison("Or", 7, "logical or", (a, b) => (a || b ? 1 : 0));
export const Xor = comparison("Xor", 7, "logical exclusive or", (a, b) => (!a !== !b ? 1 : 0));

// Three operands.
const where = make("Where", 3, {
  since: 16,
  summary: "a where the condition holds, else b",
  compute: (condition, a, b) => (condition ? a! : b!),
  gradient: ({ g, inputs: [condition] }) => [undefined, Where(condition!, g, 0), Where(condition!, 0, g)],
});
export const Where = (condition: Value, a: Operand, b: Operand): Value => apply1(where, [condition, ...liftPair(a, b)]);

// Dtypes.
const cast = define({
  name: "Cast",
  family: "elementwise",
  summary: "the same numbers in another dtype",
  since: 13,
  infer: ([x], { to }) => [{ dtype: to as DType, shape: x!.shape }],
  gradient: ({ inputs: [x], cotangents: [g], attributes }) =>
    isFloat(x!.dtype) && isFloat(attributes.to as DType) ? [g && Cast(g, x!.dtype)] : [],
  batch: ([x], _, attributes) => [Cast(x!, attributes.to as DType)],
  evaluate: ({ inputs: [x], attributes }) => [x!.data.map((v) => asDType(v, attributes.to as DType))],
});
export const Cast = (x: Value, to: DType): Value => (x.dtype === to ? x : apply1(cast, [x], { to }));

spelling("CastLike", "elementwise", 15, "Cast", "the same numbers in the dtype of another value");
export const CastLike = (x: Value, like: Value): Value => Cast(x, like.dtype);

/** Zeros in the shape of a value. */
export const zerosLike = (x: Value): Value => Expand(constant(0, [], x.dtype), x.shape);

function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

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
