// The same numbers in another dtype, or as an element type of fewer bits has them.
import { type DType, ELEMENT_TYPES, type NumericName, type Rounding, roundNumbers } from "@innerloop/schemas";
import { apply1, applying, define, isFloat, spelling } from "../core/operator.ts";
import type { Attributes, One, Operator, Value } from "../core/value.ts";
import { asDType } from "./internal/elementwise.ts";

const cast: Operator<{ readonly to: DType }, One, One> = define({
  name: "Cast",
  family: "elementwise",
  summary: "the same numbers in another dtype",
  since: 13,
  traits: { placewise: true },
  infer: ([x], { to }) => [{ dtype: to, shape: x.shape }],
  gradient: ({ inputs: [x], cotangents: [g], attributes: { to } }) =>
    isFloat(x.dtype) && isFloat(to) ? [Cast(g, x.dtype)] : [],
  batch: ([x], _, { to }) => [Cast(x, to)],
  evaluate: ({ inputs: [x], attributes: { to } }) => [x.data.map((v) => asDType(v, to))],
});
export const Cast = applying(cast, (x: Value, to: DType): Value => (x.dtype === to ? x : apply1(cast, [x], { to })));

/** Element types that graphs have no dtype for, and whose numbers a dtype holds exactly. */
export type NarrowType = Exclude<NumericName, DType>;

/** To which element type, and how what it lacks is rounded. */
export interface Narrowing extends Attributes {
  readonly to: NarrowType;
  readonly saturate: boolean;
  readonly direction: NonNullable<Rounding["direction"]>;
}

const narrow: Operator<Narrowing, One, One> = define({
  name: "Narrow",
  family: "elementwise",
  writtenAs: "Cast",
  summary:
    "the numbers as an element type of fewer bits has them (float16, float8, int4 …), in the dtype that holds these",
  infer: ([x], { to }) => [{ dtype: ELEMENT_TYPES[to].dtype, shape: x.shape }],
  gradient: ({ inputs: [x], outputs: [y], cotangents: [g] }) =>
    isFloat(x.dtype) && isFloat(y.dtype) ? [Cast(g, x.dtype)] : [],
  batch: ([x], _, attributes) => [apply1(narrow, [x], attributes)],
  evaluate: ({ inputs: [x], attributes: { to, saturate, direction } }) => [
    roundNumbers(to, ELEMENT_TYPES[to].kind === "integer" ? x.data.map(Math.trunc) : x.data, { saturate, direction }),
  ],
});
/** Numbers rounded to an element type; the derivative goes straight through. */
export const Narrow = applying(narrow, (x: Value, to: NarrowType, { saturate, direction }: Rounding = {}): Value => {
  const known = { to, saturate: saturate ?? true, direction: direction ?? (to === "float8e8m0" ? "up" : "nearest") };
  return apply1(narrow, [x], known);
});

spelling("CastLike", "elementwise", 15, "Cast", "the same numbers in the dtype of another value");
export const CastLike = (x: Value, like: Value): Value => Cast(x, like.dtype);
