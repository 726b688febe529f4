// The same numbers as an element type of fewer bits has them. Rounding is differentiated as if it were not there (arXiv 1308.3432).
import { type DType, ELEMENT_TYPES, type NumericName, type Rounding, roundNumbers } from "@innerloop/schemas";
import { apply1, applying, define, isFloat } from "../core/operator.ts";
import type { Attributes, One, Operator, Value } from "../core/value.ts";
import { Abs } from "./arithmetic.ts";
import { LessOrEqual, Where } from "./comparison.ts";
import { Cast } from "./dtypes.ts";

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
    "the numbers as an element type of fewer bits has them (float16, float8, int4 …), in the dtype that holds these; its derivative is " +
    "that of no rounding, and 0 where it saturates",
  infer: ([x], { to }) => [{ dtype: ELEMENT_TYPES[to].dtype, shape: x.shape }],
  gradient({ inputs: [x], outputs: [y], cotangents: [g], attributes: { to, saturate } }) {
    if (!isFloat(x.dtype) || !isFloat(y.dtype)) return [];
    const slope = Cast(g, x.dtype);
    // Types of 16 bits have no such end: what they cannot hold is infinite.
    if (ELEMENT_TYPES[to].bits > 8 || !saturate) return [slope];
    const [most = 0] = roundNumbers(to, Float64Array.of(Number.MAX_VALUE), { saturate });
    return [Where(LessOrEqual(Abs(x), most), slope, 0)];
  },
  batch: ([x], _, attributes) => [apply1(narrow, [x], attributes)],
  evaluate: ({ inputs: [x], attributes: { to, saturate, direction } }) => [
    roundNumbers(to, ELEMENT_TYPES[to].kind === "integer" ? x.data.map(Math.trunc) : x.data, { saturate, direction }),
  ],
});
/** Numbers rounded to an element type; the derivative goes straight through, as far as the type reaches. */
export const Narrow = applying(narrow, (x: Value, to: NarrowType, { saturate, direction }: Rounding = {}): Value => {
  const known = { to, saturate: saturate ?? true, direction: direction ?? (to === "float8e8m0" ? "up" : "nearest") };
  return apply1(narrow, [x], known);
});
