// Cutting a part out of an axis, and joining along one: each other's derivatives.
import { InnerloopError } from "@innerloop/schemas";
import { numbersAt, placesOf, stridesOf } from "../../core/arrays.ts";
import { constant } from "../../core/build.ts";
import { addDims, type Dim, multiplyDims } from "../../core/dims.ts";
import { isTold, mayAgree } from "../../core/fresh.ts";
import { at } from "../../core/lists.ts";
import { apply1, applying, define, unfit } from "../../core/operator.ts";
import { normalizeAxis, type Shape, sizeOf } from "../../core/shapes.ts";
import { tellersOf } from "../../core/told.ts";
import type { One, Operator, Value } from "../../core/value.ts";
import { allBatched, Expand } from "./broadcasting.ts";

const concat: Operator<{ readonly axis: number }, readonly [Value, ...Value[]], One> = define({
  name: "Concat",
  family: "movement",
  summary: "joined along one axis",
  since: 13,
  traits: { float16: "movement" },
  infer(inputs, { axis }) {
    const [{ dtype, shape, rank }, ...others] = inputs;
    for (const x of others)
      if (x.rank !== rank || x.dtype !== dtype || x.shape.some((dim, i) => i !== axis && !mayAgree(dim, shape[i])))
        throw unfit("Concat", inputs, `the inputs have to agree in dtype and in every axis but ${axis}.`);
    const size = inputs.map((x) => at(x.shape, axis)).reduce(addDims);
    const known = shape.map((dim, i) => [dim, ...others.map((x) => at(x.shape, i))].find((one) => !isTold(one)) ?? dim);
    return [{ dtype, shape: withSize(known, axis, size) }];
  },
  gradient({ inputs, cotangents: [g], attributes: { axis }, needs }) {
    let start: Dim = 0;
    return inputs.map((x, i) => {
      const from = start;
      start = addDims(start, at(x.shape, axis));
      return needs(i) ? cut(g, axis, from, start) : undefined;
    });
  },
  batch: (inputs, batched, { axis }) => [Concat(allBatched(inputs, batched), axis + 1)],
  evaluate({ inputs, attributes: { axis }, shapes: [shape] }) {
    const outer = sizeOf(shape.slice(0, axis));
    const out = new Float64Array(sizeOf(shape));
    let place = 0;
    for (let o = 0; o < outer; o++)
      for (const x of inputs) {
        const block = sizeOf(x.shape.slice(axis));
        out.set(x.data.subarray(o * block, (o + 1) * block), place);
        place += block;
      }
    return [out];
  },
});
export const Concat = applying(concat, (inputs: readonly Value[], axis: number): Value => {
  const [first, ...others] = inputs;
  if (!first) throw new InnerloopError("no-inputs", "Concat needs at least one input.");
  return others.length === 0
    ? first
    : apply1(concat, [first, ...others], { axis: normalizeAxis(axis, first.rank, "Concat") });
});

/** An end from here on is that of the axis, whatever its size: exporters write 10⁹, or the largest whole number of 32 or 64 bits. */
export const beyondAxes = 2 ** 28;

const slice: Operator<
  { readonly axis: number; readonly start: Dim; readonly end: Dim },
  readonly [Value, ...Value[]],
  One
> = define({
  name: "Slice",
  family: "movement",
  summary: "a contiguous part along one axis",
  since: 13,
  traits: { float16: "movement" },
  infer: ([x], { axis, start, end }) => [{ dtype: x.dtype, shape: withSize(x.shape, axis, difference(end, start)) }],
  gradient({ inputs: [x], cotangents: [g], attributes: { axis, start, end } }) {
    const missing = (size: Dim) =>
      size === 0 ? [] : [Expand(constant(0, [], g.dtype), withSize(g.shape, axis, size))];
    return [Concat([...missing(start), g, ...missing(difference(at(x.shape, axis), end))], axis)];
  },
  batch: ([x], _, { axis, start, end }) => [cut(x, axis + 1, start, end)],
  evaluate({ inputs: [x], attributes: { axis, start }, shapes: [shape], resolve }) {
    const strides = stridesOf(x.shape);
    return [numbersAt(x.data, placesOf(shape, strides, resolve(start) * at(strides, axis)))];
  },
});

const difference = (a: Dim, b: Dim): Dim => addDims(a, multiplyDims(b, -1));

/** A shape with another size of one axis. */
const withSize = (shape: Shape, axis: number, size: Dim): Dim[] => shape.map((dim, i) => (i === axis ? size : dim));

/** The part from `start` up to `end` (not included) of one axis. */
export const cut = applying(
  slice,
  (x: Value, axis: number, start: Dim, end: Dim): Value =>
    start === 0 && end === x.shape[axis]
      ? x
      : apply1(slice, [x, ...tellersOf([start, end], [x])], { axis, start, end }),
);

/** One more entry, zero, at the end of an axis. */
export const appendZero = (x: Value, axis: number, fill = 0): Value =>
  Concat([x, Expand(constant(fill, [], x.dtype), withSize(x.shape, axis, 1))], axis);
