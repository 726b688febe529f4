// Looking up entries by index, and what its derivative and its batching are made of: sums over readers, or products with one-hot rows.
import { spend } from "../../core/budget.ts";
import { constant, constantOf } from "../../core/build.ts";
import { at, upTo } from "../../core/lists.ts";
import { apply1, applying, define, unfit } from "../../core/operator.ts";
import { fixed, normalizeAxis, sizeOf } from "../../core/shapes.ts";
import type { NumberArray, One, Operator, Two, Value } from "../../core/value.ts";
import { Add } from "../arithmetic.ts";
import { Less, Where } from "../comparison.ts";
import { MatMul } from "../linear-algebra.ts";
import { allBatched, ReduceSum, Reshape } from "./broadcasting.ts";
import { OneHot } from "./counting.ts";
import { addWhereRead } from "./scattering.ts";
import { appendZero } from "./slicing.ts";
import { Transpose } from "./transpose.ts";

/** Up to so many entries a product with rows that have a one is quicker than adding one by one, and every engine has it. */
const mostOneHot = 128;

const gather: Operator<{ readonly axis: number }, Two, One> = define({
  name: "Gather",
  family: "movement",
  summary: "entries of one axis, looked up by index",
  since: 13,
  traits: { float16: "movement" },
  infer: ([x, indices], { axis }) => {
    if (indices.dtype !== "int64" && indices.dtype !== "int32")
      throw unfit("Gather", [x, indices], "the indices have to be int64 or int32.");
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
  gradient({ inputs: [x, indices], cotangents: [g], attributes: { axis } }) {
    const size = at(x.shape, axis);
    const known = constantOf(indices);
    const flat = Reshape(g, [...x.shape.slice(0, axis), sizeOf(indices.shape), ...x.shape.slice(axis + 1)]);
    if (typeof size === "number" && known) return [gatherTransposed(flat, known, axis, size)];
    if (typeof size === "number" && size <= mostOneHot) return [gatherByOneHot(flat, indices, axis, size)];
    return [addWhereRead(flat, Reshape(indices, [-1]), axis, size)];
  },
  batch(inputs, batched, { axis }, [original]) {
    const [x, indices] = inputs;
    if (!batched[1]) return [Gather(x, indices, axis + 1)];
    const size = fixed(at(original.shape, axis), "batching Gather");
    const [table] = allBatched<Two>(inputs, batched);
    return [lookUpByOneHot(table, indices, axis + 1, size)];
  },
  evaluate({ inputs: [x, indices], attributes: { axis }, shapes: [shape] }) {
    const outer = sizeOf(x.shape.slice(0, axis));
    const size = at(x.shape, axis);
    const inner = sizeOf(x.shape.slice(axis + 1));
    const out = new Float64Array(sizeOf(shape));
    let place = 0;
    for (let o = 0; o < outer; o++)
      for (const index of indices.data) {
        const from = (o * size + (index < 0 ? index + size : index)) * inner;
        out.set(x.data.subarray(from, from + inner), place);
        place += inner;
      }
    return [out];
  },
});

/** ONNX Gather: `axis` of `x` is replaced by the shape of `indices`. */
export const Gather = applying(
  gather,
  (x: Value, indices: Value, axis = 0): Value =>
    apply1(gather, [x, indices], { axis: normalizeAxis(axis, x.rank, "Gather") }),
);

/** The transpose of a gather with known indices: for each entry, the sum of the places that read it; again a gather. */
export function gatherTransposed(g: Value, indices: NumberArray, axis: number, size: number): Value {
  spend("numbers", size);
  const readers: number[][] = upTo(size).map(() => []);
  for (const [place, index] of indices.data.entries()) at(readers, index).push(place);
  const most = Math.max(1, ...readers.map((places) => places.length));
  const places = indices.data.length;
  const short = readers.some((list) => list.length < most);
  const table = readers.flatMap((list) => [...list, ...new Array<number>(most - list.length).fill(places)]);
  const source = short ? appendZero(g, axis) : g;
  const read = Gather(source, constant(table, most === 1 ? [size] : [size, most], "int64"), axis);
  return most === 1 ? read : ReduceSum(read, { axes: [axis + 1], keepdims: false });
}

/** Indices that count from the end where they are negative, as ones that count from the start. */
function fromStart(indices: Value, size: number): Value {
  return Where(Less(indices, 0), Add(indices, size), indices);
}

function gatherByOneHot(g: Value, indices: Value, axis: number, size: number): Value {
  const choice = OneHot(fromStart(Reshape(indices, [-1]), size), size, g.dtype);
  const last = g.rank - 1;
  const order = upTo(g.rank).filter((i) => i !== axis);
  const summed = MatMul(Transpose(g, [...order, axis]), choice);
  return Transpose(
    summed,
    upTo(g.rank).map((i) => (i === axis ? last : order.indexOf(i))),
  );
}

/** Looks up along `axis` with indices of their own for each task (axis 0 of both). */
function lookUpByOneHot(table: Value, indices: Value, axis: number, size: number): Value {
  const tasks = at(table.shape, 0);
  const order = upTo(table.rank).filter((i) => i !== 0 && i !== axis);
  const rows = Reshape(Transpose(table, [0, axis, ...order]), [tasks, size, -1]);
  const flat = Reshape(indices, [tasks, -1]);
  const read = MatMul(OneHot(fromStart(flat, size), size, table.dtype), rows);
  const shaped = Reshape(read, [tasks, at(flat.shape, 1), ...order.map((i) => at(table.shape, i))]);
  const back = upTo(table.rank).map((i) => (i === 0 ? 0 : i === axis ? 1 : order.indexOf(i) + 2));
  const moved = Transpose(shaped, back);
  return Reshape(moved, [...table.shape.slice(0, axis), ...indices.shape.slice(1), ...table.shape.slice(axis + 1)]);
}
