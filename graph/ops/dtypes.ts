// The same numbers in another dtype.
import type { DType } from "@innerloop/schemas";
import { apply1, applying, define, isFloat, spelling } from "../core/operator.ts";
import type { One, Operator, Value } from "../core/value.ts";
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

spelling("CastLike", "elementwise", 15, "Cast", "the same numbers in the dtype of another value");
export const CastLike = (x: Value, like: Value): Value => Cast(x, like.dtype);
