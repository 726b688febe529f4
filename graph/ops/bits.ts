// Whole numbers: remainders, shifts, and logic bit by bit.
import { type DType, InnerloopError } from "@innerloop/schemas";
import { broadcastTo } from "../core/arrays.ts";
import { at } from "../core/lists.ts";
import { apply1, applying, define, isFloat, liftPair, unfit, zeroDerivative } from "../core/operator.ts";
import { broadcastAll, sizeOf } from "../core/shapes.ts";
import type { Attributes, One, Operand, Operator, Traits, Two, Value } from "../core/value.ts";
import { Abs, Div, Floor, Mul, Neg, Sign } from "./arithmetic.ts";
import { alignBatched, unbroadcast } from "./internal/broadcasting.ts";

/** How many bits a whole number has, and whether one of them is the sign. */
function bitsOf(dtype: DType): { readonly bits: number; readonly signed: boolean } {
  const found = /^(u?)int(\d+)$/.exec(dtype);
  if (found) return { bits: Number(found[2]), signed: found[1] === "" };
  throw new InnerloopError("unsupported-dtype", `${dtype} has no bits to work on; whole numbers were expected.`, {
    exitStatus: 2,
  });
}

/** The number that some bits are in a dtype. */
function wrapped(bits: bigint, dtype: DType): number {
  const { bits: count, signed } = bitsOf(dtype);
  return Number(signed ? BigInt.asIntN(count, bits) : BigInt.asUintN(count, bits));
}

interface Paired<A extends Attributes> {
  readonly since: number;
  readonly summary: string;
  readonly traits?: Traits;
  readonly compute: (a: number, b: number, attributes: A, dtype: DType) => number;
  readonly gradient?: Operator<A, Two, One>["gradient"];
}

/** An operator on two operands that broadcast, with attributes. */
function paired<A extends Attributes>(name: string, { compute, gradient, ...entry }: Paired<A>): Operator<A, Two, One> {
  const operator: Operator<A, Two, One> = define({
    name,
    family: "elementwise",
    ...entry,
    infer(inputs) {
      const [a, b] = inputs;
      const shape = broadcastAll(inputs);
      if (!shape || a.dtype !== b.dtype)
        throw unfit(name, inputs, "the operands need one dtype, and shapes that broadcast.");
      return [{ dtype: a.dtype, shape }];
    },
    gradient: gradient ?? zeroDerivative,
    batch: (inputs, batched, attributes) => [apply1(operator, alignBatched<Two>(inputs, batched), attributes)],
    evaluate({ inputs: [a, b], attributes, shapes: [shape], outputs: [{ dtype }] }) {
      const [left, right] = [broadcastTo(a, shape), broadcastTo(b, shape)];
      const number = (_: unknown, i: number) => compute(at(left, i), at(right, i), attributes, dtype);
      return [Float64Array.from({ length: sizeOf(shape) }, number)];
    },
  });
  return operator;
}

/** The remainder of a division that is rounded down, so that it has the sign of the divisor. */
const floored = (a: number, b: number): number => {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
};

/** A quotient without what follows the point. */
const truncated = (x: Value): Value => Mul(Sign(x), Floor(Abs(x)));

const mod = paired<{ readonly fmod: boolean }>("Mod", {
  since: 13,
  summary: "the remainder of a / b, of the sign of b, or with fmod of a",
  compute: (a, b, { fmod }) => (fmod ? a % b : floored(a, b)),
  gradient: ({ inputs: [a, b], cotangents: [g], attributes: { fmod }, needs }) => {
    if (!isFloat(a.dtype)) return [];
    const quotient = () => (fmod ? truncated(Div(a, b)) : Floor(Div(a, b)));
    return [
      needs(0) ? unbroadcast(g, a.shape) : undefined,
      needs(1) ? unbroadcast(Neg(Mul(g, quotient())), b.shape) : undefined,
    ];
  },
});
/** ONNX Mod. */
export const Mod = applying(
  mod,
  (a: Operand, b: Operand, { fmod = false } = {}): Value => apply1(mod, liftPair(a, b), { fmod }),
);

const bitShift = paired<{ readonly direction: "LEFT" | "RIGHT" }>("BitShift", {
  since: 11,
  summary: "the bits moved to the left or to the right",
  compute(a, b, { direction }, dtype) {
    const { bits } = bitsOf(dtype);
    if (b < 0 || b >= bits) return direction === "RIGHT" && a < 0 ? -1 : 0;
    const [number, by] = [BigInt(a), BigInt(b)];
    return wrapped(direction === "LEFT" ? number << by : number >> by, dtype);
  },
});
/** ONNX BitShift. */
export const BitShift = applying(
  bitShift,
  (a: Operand, b: Operand, direction: "LEFT" | "RIGHT"): Value => apply1(bitShift, liftPair(a, b), { direction }),
);

const bitwise = (name: string, summary: string, compute: (a: bigint, b: bigint) => bigint) => {
  const operator = paired<Record<never, never>>(name, {
    since: 18,
    summary,
    compute: (a, b, _, dtype) => wrapped(compute(BigInt(a), BigInt(b)), dtype),
  });
  return applying(operator, (a: Value, b: Value): Value => apply1(operator, [a, b]));
};
export const BitwiseAnd = bitwise("BitwiseAnd", "bits that both have", (a, b) => a & b);
export const BitwiseOr = bitwise("BitwiseOr", "bits that either has", (a, b) => a | b);
export const BitwiseXor = bitwise("BitwiseXor", "bits that one of both has", (a, b) => a ^ b);

const bitwiseNot: Operator<Record<never, never>, One, One> = define({
  name: "BitwiseNot",
  family: "elementwise",
  summary: "the bits that it lacks",
  since: 18,
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  gradient: zeroDerivative,
  batch: ([x]) => [BitwiseNot(x)],
  evaluate: ({ inputs: [x] }) => [x.data.map((value) => wrapped(~BigInt(value), x.dtype))],
});
export const BitwiseNot = applying(bitwiseNot, (x: Value): Value => apply1(bitwiseNot, [x]));
