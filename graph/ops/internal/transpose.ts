// The axes of a value in another order.
import { numbersAt, placesOf, stridesOf } from "../../core/arrays.ts";
import { at, upTo } from "../../core/lists.ts";
import { apply1, applying, define, unfit } from "../../core/operator.ts";
import { madeBy, type One, type Operator, type Value } from "../../core/value.ts";

const transpose: Operator<{ readonly perm: readonly number[] }, One, One> = define({
  name: "Transpose",
  family: "movement",
  summary: "the axes in another order",
  since: 13,
  traits: { float16: "movement" },
  infer([x], { perm }) {
    if (perm.length !== x.rank || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i))
      throw unfit("Transpose", [x], `perm [${perm}] has to name each of the ${x.rank} axes once.`);
    return [{ dtype: x.dtype, shape: perm.map((axis) => at(x.shape, axis)) }];
  },
  gradient: ({ cotangents: [g], attributes: { perm } }) => [
    Transpose(
      g,
      perm.map((_, axis) => perm.indexOf(axis)),
    ),
  ],
  batch: ([x], _, { perm }) => [Transpose(x, [0, ...perm.map((axis) => axis + 1)])],
  evaluate({ inputs: [x], attributes: { perm }, shapes: [shape] }) {
    const strides = stridesOf(x.shape);
    const places = placesOf(
      shape,
      perm.map((axis) => at(strides, axis)),
    );
    return [numbersAt(x.data, places)];
  },
});

/** Axis i of the result is axis `perm[i]` of `x`; without `perm` the order is reversed. */
export const Transpose = applying(
  transpose,
  (x: Value, perm: readonly number[] = upTo(x.rank).reverse()): Value =>
    perm.every((axis, i) => axis === i) && perm.length === x.rank ? x : apply1(transpose, [x], { perm }),
);

/** The last two axes swapped. */
export const transposeLast = (x: Value): Value =>
  Transpose(
    x,
    upTo(x.rank).map((i) => (i < x.rank - 2 ? i : 2 * x.rank - 3 - i)),
  );

/** The matrix whose transpose a value is; undefined for any other value. */
export function transposedFrom(value: Value): Value | undefined {
  const turned = madeBy(value, Transpose);
  return turned?.attributes.perm.join() === "1,0" ? turned.inputs[0] : undefined;
}

/** Channels-first `[N, C, …]` to channels-last `[N, …, C]`. */
export const channelsLast = (x: Value): Value => Transpose(x, [0, ...upTo(x.rank).slice(2), 1]);
/** Channels-last `[N, …, C]` to channels-first `[N, C, …]`. */
export const channelsFirst = (x: Value): Value => Transpose(x, [0, x.rank - 1, ...upTo(x.rank).slice(1, -1)]);
