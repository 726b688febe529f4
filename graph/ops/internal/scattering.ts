// Numbers looked up at places and put at places, element by element or in blocks: each other's derivatives.
import { foldInto, numbersAt, placesOf, stridesOf } from "../../core/arrays.ts";
import { constant } from "../../core/build.ts";
import { at, upTo } from "../../core/lists.ts";
import { apply1, applying, define, unfit } from "../../core/operator.ts";
import { fixed, normalizeAxis, type Shape, sizeOf } from "../../core/shapes.ts";
import type { Inputs, NumberArray, One, Operator, Two, Value } from "../../core/value.ts";
import { Div, Mul } from "../arithmetic.ts";
import { Equal } from "../comparison.ts";
import { Cast } from "../dtypes.ts";
import { Unsqueeze } from "../movement.ts";
import { allBatched, Expand, Reshape } from "./broadcasting.ts";
import { Range } from "./counting.ts";
import { Concat } from "./slicing.ts";

/** What is done with a number that is put where one is: it takes its place, or is joined to it. */
export type ScatterReduction = "none" | "add" | "mul" | "max" | "min";

const steps: Readonly<Record<ScatterReduction, (a: number, b: number) => number>> = {
  none: (_, b) => b,
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  max: Math.max,
  min: Math.min,
};

const zeros = (x: Value): Value => Expand(constant(0, [], x.dtype), x.shape);

function checkIndices(name: string, inputs: readonly [Value, Value, ...Value[]]): void {
  const [x, indices, updates] = inputs;
  if (indices.dtype !== "int64" && indices.dtype !== "int32")
    throw unfit(name, inputs, "the indices have to be int64 or int32.");
  if (updates && updates.dtype !== x.dtype) throw unfit(name, inputs, "what is put in has to have the dtype of x.");
}

/** How numbers are looked up and put in at the same places. */
interface Places {
  look(x: Value, indices: Value): Value;
  put(x: Value, indices: Value, updates: Value, reduction: ScatterReduction): Value;
}

/** The derivative of putting numbers somewhere. Of those that are equal to a largest or smallest each has its share. */
function scatterGradient(
  [x, indices, updates]: readonly [Value, Value, Value],
  y: Value,
  g: Value,
  reduction: ScatterReduction,
  needs: (i: number) => boolean,
  { look, put }: Places,
): Inputs {
  const put0 = () => (needs(0) ? put(g, indices, zeros(updates), "none") : undefined);
  if (reduction === "none") return [put0(), undefined, needs(2) ? look(g, indices) : undefined];
  if (reduction === "add") return [g, undefined, needs(2) ? look(g, indices) : undefined];
  if (reduction === "mul") {
    const ones = Expand(constant(1, [], x.dtype), x.shape);
    return [
      needs(0) ? Mul(g, put(ones, indices, updates, "mul")) : undefined,
      undefined,
      needs(2) ? Div(look(Mul(g, y), indices), updates) : undefined,
    ];
  }
  const kept = Cast(Equal(x, y), x.dtype);
  const won = Cast(Equal(updates, look(y, indices)), x.dtype);
  const share = Div(g, put(kept, indices, won, "add"));
  return [Mul(kept, share), undefined, needs(2) ? Mul(won, look(share, indices)) : undefined];
}

/** For each index along an axis the place in `x` that it reads. */
function elementPlaces(x: NumberArray, indices: NumberArray, axis: number): Float64Array {
  const strides = stridesOf(x.shape);
  const [size, stride] = [at(x.shape, axis), at(strides, axis)];
  const rest = placesOf(indices.shape, strides.with(axis, 0));
  return rest.map((place, n) => {
    const index = at(indices.data, n);
    return place + inside(index, size) * stride;
  });
}

/** An index from the start. @throws RangeError where there is no such entry */
function inside(index: number, size: number): number {
  const place = index < 0 ? index + size : index;
  if (place >= 0 && place < size) return place;
  throw new RangeError(`index ${index} is beyond an axis of ${size}`);
}

const gatherElements: Operator<{ readonly axis: number }, Two, One> = define({
  name: "GatherElements",
  family: "movement",
  summary: "for each index the number that lies there along one axis",
  since: 13,
  traits: { float16: "movement" },
  infer([x, indices]) {
    checkIndices("GatherElements", [x, indices]);
    if (x.rank !== indices.rank) throw unfit("GatherElements", [x, indices], "both need as many axes.");
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  gradient: ({ inputs: [x, indices], cotangents: [g], attributes: { axis } }) => [
    ScatterElements(zeros(x), indices, g, axis, "add"),
  ],
  batch: (inputs, batched, { axis }) => [GatherElements(...allBatched<Two>(inputs, batched), axis + 1)],
  evaluate: ({ inputs: [x, indices], attributes: { axis } }) => [numbersAt(x.data, elementPlaces(x, indices, axis))],
});
/** ONNX GatherElements. */
export const GatherElements = applying(
  gatherElements,
  (x: Value, indices: Value, axis = 0): Value =>
    apply1(gatherElements, [x, indices], { axis: normalizeAxis(axis, x.rank, "GatherElements") }),
);

type Three = readonly [Value, Value, Value];
type Scattering = { readonly axis: number; readonly reduction: ScatterReduction };

const scatterElements: Operator<Scattering, Three, One> = define({
  name: "ScatterElements",
  family: "movement",
  summary: "for each index a number put there along one axis, or joined to what is there",
  since: 16,
  infer(inputs) {
    const [x, indices, updates] = inputs;
    checkIndices("ScatterElements", inputs);
    if (x.rank !== indices.rank || updates.rank !== x.rank)
      throw unfit("ScatterElements", inputs, "all three need as many axes.");
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  gradient({ inputs, outputs: [y], cotangents: [g], attributes: { axis, reduction }, needs }) {
    return scatterGradient(inputs, y, g, reduction, needs, {
      look: (x, indices) => GatherElements(x, indices, axis),
      put: (x, indices, updates, how) => ScatterElements(x, indices, updates, axis, how),
    });
  },
  batch: (inputs, batched, { axis, reduction }) => [
    ScatterElements(...allBatched<Three>(inputs, batched), axis + 1, reduction),
  ],
  evaluate({ inputs: [x, indices, updates], attributes: { axis, reduction } }) {
    return [foldInto(x.data.slice(), elementPlaces(x, indices, axis), updates.data, steps[reduction])];
  },
});
/** ONNX ScatterElements. */
export const ScatterElements = applying(
  scatterElements,
  (x: Value, indices: Value, updates: Value, axis = 0, reduction: ScatterReduction = "none"): Value =>
    apply1(scatterElements, [x, indices, updates], {
      axis: normalizeAxis(axis, x.rank, "ScatterElements"),
      reduction,
    }),
);

/** How many axes an index of a list of them names. */
function depthOf(name: string, indices: Value): number {
  if (indices.rank === 0) throw unfit(name, [indices], "the indices need an axis of their own.");
  return fixed(at(indices.shape, -1), name);
}

/** For each index the place in `x` where its block starts, and how large the block is. */
function blockPlaces(x: NumberArray, indices: NumberArray): { starts: Float64Array; block: number } {
  const depth = at(indices.shape, -1);
  const strides = stridesOf(x.shape);
  const block = sizeOf(x.shape.slice(depth));
  const count = depth === 0 ? sizeOf(indices.shape.slice(0, -1)) : indices.data.length / depth;
  const starts = Float64Array.from({ length: count }, (_, n) =>
    upTo(depth).reduce((sum, i) => sum + inside(at(indices.data, n * depth + i), at(x.shape, i)) * at(strides, i), 0),
  );
  return { starts, block };
}

/** Every place of the blocks that start where said. */
const placesIn = ({ starts, block }: { starts: Float64Array; block: number }): Float64Array => {
  const places = new Float64Array(starts.length * block);
  starts.forEach((start, n) => {
    for (let i = 0; i < block; i++) places[n * block + i] = start + i;
  });
  return places;
};

const gatherND: Operator<Record<never, never>, Two, One> = define({
  name: "GatherND",
  family: "movement",
  summary: "for each list of indices the block that lies there",
  since: 13,
  traits: { float16: "movement" },
  infer(inputs) {
    const [x, indices] = inputs;
    checkIndices("GatherND", inputs);
    const depth = depthOf("GatherND", indices);
    if (depth > x.rank) throw unfit("GatherND", inputs, `${depth} indices each name no axes of ${x.rank}.`);
    return [{ dtype: x.dtype, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(depth)] }];
  },
  gradient: ({ inputs: [x, indices], cotangents: [g] }) => [ScatterND(zeros(x), indices, g, "add")],
  batch(inputs, batched) {
    const [x, indices] = inputs;
    return [batched[0] ? GatherND(...allBatched<Two>(inputs, batched), 1) : GatherND(x, indices)];
  },
  evaluate: ({ inputs: [x, indices] }) => [numbersAt(x.data, placesIn(blockPlaces(x, indices)))],
});
/** ONNX GatherND. The first `batchDims` axes of both are the same ones. */
export const GatherND = applying(
  gatherND,
  (x: Value, indices: Value, batchDims = 0): Value => apply1(gatherND, [x, withPlaces(indices, batchDims)]),
);

/** Indices that begin with those of the first axes, where each stands. */
export function withPlaces(indices: Value, axes: number): Value {
  if (axes === 0) return indices;
  const lead = indices.shape.slice(0, -1);
  const along = upTo(axes).map((axis) => {
    const places = Cast(Range(at(lead, axis)), indices.dtype);
    const shape: Shape = [...lead.map((_, i) => (i === axis ? at(lead, axis) : 1)), 1];
    return Expand(Reshape(places, shape), [...lead, 1]);
  });
  return Concat([...along, indices], -1);
}

const scatterND: Operator<{ readonly reduction: ScatterReduction }, Three, One> = define({
  name: "ScatterND",
  family: "movement",
  summary: "for each list of indices a block put there, or joined to what is there",
  since: 16,
  infer(inputs) {
    const [x, indices, updates] = inputs;
    checkIndices("ScatterND", inputs);
    const depth = depthOf("ScatterND", indices);
    const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(depth)];
    if (depth > x.rank || updates.rank !== shape.length)
      throw unfit("ScatterND", inputs, `what is put in has to be [${shape}].`);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  gradient: ({ inputs, outputs: [y], cotangents: [g], attributes: { reduction }, needs }) =>
    scatterGradient(inputs, y, g, reduction, needs, { look: (x, indices) => GatherND(x, indices), put: ScatterND }),
  batch(inputs, batched, { reduction }) {
    const [x, indices, updates] = allBatched<Three>(inputs, batched);
    return [ScatterND(x, withPlaces(indices, 1), updates, reduction)];
  },
  evaluate({ inputs: [x, indices, updates], attributes: { reduction } }) {
    return [foldInto(x.data.slice(), placesIn(blockPlaces(x, indices)), updates.data, steps[reduction])];
  },
});
/** ONNX ScatterND. */
export const ScatterND = applying(
  scatterND,
  (x: Value, indices: Value, updates: Value, reduction: ScatterReduction = "none"): Value =>
    apply1(scatterND, [x, indices, updates], { reduction }),
);

/**
 * The derivative of looking up entries of one axis: each number of `g` added where it was read.
 * @param g with one axis of the indices, which are a list
 */
export function addWhereRead(g: Value, indices: Value, axis: number, size: Shape[number]): Value {
  const blank = Expand(constant(0, [], g.dtype), g.shape.with(axis, size));
  if (axis === 0) return ScatterND(blank, Unsqueeze(indices, [-1]), g, "add");
  const along = g.shape.map((_, i) => (i === axis ? at(indices.shape, 0) : 1));
  return ScatterElements(blank, Expand(Reshape(indices, along), g.shape), g, axis, "add");
}
