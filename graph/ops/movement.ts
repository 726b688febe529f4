// Moving numbers without changing them: reshaping, transposing, cutting, joining, repeating, looking up.
import { type DType, InnerloopError } from "@innerloop/schemas";
import { spend } from "../core/budget.ts";
import {
  addDims,
  broadcastShapes,
  type Dim,
  divideDims,
  multiplyDims,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
} from "../core/dims.ts";
import { apply1, define, normalizeAxis, type Operator, spelling, unfit } from "../core/operator.ts";
import { apply, constant, constantOf, fixed, type NumberArray, type Value } from "../core/value.ts";
import { Add, broadcastTo, Cast, Equal, Less, unbroadcast, Where } from "./elementwise.ts";
import { MatMul } from "./linear-algebra.ts";
import { ReduceSum } from "./reduction.ts";

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Row-major strides of a shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; stride *= shape[axis--]!) strides[axis] = stride;
  return strides;
}

/** Reads `array` at `start + Σ index·strides` for every index of `shape`, row-major. */
function stridedCopy(
  data: Float64Array,
  shape: readonly number[],
  strides: readonly number[],
  start = 0,
): Float64Array {
  const out = new Float64Array(product(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let n = 0, at = start; n < out.length; n++) {
    out[n] = data[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

const reshape: Operator = define({
  name: "Reshape",
  family: "movement",
  summary: "the same numbers in another shape",
  since: 14,
  infer([x], { shape }) {
    const target = shape as Shape;
    if (sizeOf(x!.shape) !== sizeOf(target))
      throw unfit("Reshape", [x!], `has ${sizeOf(x!.shape)} elements, which do not fill ${showShape(target)}.`);
    return [{ dtype: x!.dtype, shape: target }];
  },
  gradient: ({ inputs: [x], cotangents: [g] }) => [g && Reshape(g, x!.shape)],
  batch: ([x], _, { shape }) => [Reshape(x!, [x!.shape[0]!, ...(shape as Shape)])],
  evaluate: ({ inputs: [x] }) => [x!.data],
});

/** `shape` may hold one −1, which takes what is left, and 0, which keeps the size of that axis (ONNX Reshape). */
export function Reshape(x: Value, shape: Shape): Value {
  const kept = shape.map((dim, axis) => (dim === 0 && x.shape[axis] !== undefined ? x.shape[axis]! : dim));
  const open = kept.indexOf(-1);
  if (open >= 0) {
    const rest = divideDims(sizeOf(x.shape), sizeOf(kept.filter((_, axis) => axis !== open)));
    if (rest === undefined)
      throw unfit("Reshape", [x], `has ${sizeOf(x.shape)} elements, which do not fill ${showShape(shape)}.`);
    kept[open] = rest;
  }
  return sameShape(x.shape, kept) ? x : apply1(reshape, [x], { shape: kept });
}

const transpose: Operator = define({
  name: "Transpose",
  family: "movement",
  summary: "the axes in another order",
  since: 13,
  infer([x], { perm }) {
    const order = perm as readonly number[];
    if (order.length !== x!.rank || [...order].sort((a, b) => a - b).some((axis, i) => axis !== i))
      throw unfit("Transpose", [x!], `perm [${order}] has to name each of the ${x!.rank} axes once.`);
    return [{ dtype: x!.dtype, shape: order.map((axis) => x!.shape[axis]!) }];
  },
  gradient: ({ cotangents: [g], attributes }) => {
    const perm = attributes.perm as readonly number[];
    return [
      g &&
        Transpose(
          g,
          perm.map((_, axis) => perm.indexOf(axis)),
        ),
    ];
  },
  batch: ([x], _, { perm }) => [Transpose(x!, [0, ...(perm as readonly number[]).map((axis) => axis + 1)])],
  evaluate({ inputs: [x], attributes, shapes }) {
    const strides = stridesOf(x!.shape);
    return [
      stridedCopy(
        x!.data,
        shapes[0]!,
        (attributes.perm as readonly number[]).map((axis) => strides[axis]!),
      ),
    ];
  },
});

/** Axis i of the result is axis `perm[i]` of `x`; without `perm` the order is reversed. */
export function Transpose(x: Value, perm: readonly number[] = x.shape.map((_, i) => x.rank - 1 - i)): Value {
  return perm.every((axis, i) => axis === i) && perm.length === x.rank ? x : apply1(transpose, [x], { perm });
}

/** The last two axes swapped. */
export const transposeLast = (x: Value): Value =>
  Transpose(
    x,
    [...x.shape.keys()].map((i) => (i < x.rank - 2 ? i : 2 * x.rank - 3 - i)),
  );

const expand: Operator = define({
  name: "Expand",
  family: "movement",
  summary: "repeated by broadcasting to a shape",
  since: 13,
  infer([x], { shape }) {
    const target = broadcastShapes(x!.shape, shape as Shape);
    if (!target) throw unfit("Expand", [x!], `does not broadcast to ${showShape(shape as Shape)}.`);
    return [{ dtype: x!.dtype, shape: target }];
  },
  gradient: ({ inputs: [x], cotangents: [g] }) => [g && unbroadcast(g, x!.shape)],
  batch: ([x], _, { shape }, [original]) => {
    const target = broadcastShapes(original!.shape, shape as Shape)!;
    const padded = Reshape(x!, [
      x!.shape[0]!,
      ...new Array<Dim>(target.length - original!.rank).fill(1),
      ...original!.shape,
    ]);
    return [Expand(padded, [x!.shape[0]!, ...target])];
  },
  evaluate: ({ inputs: [x], shapes }) => [broadcastTo(x!, shapes[0]!)],
});
export const Expand = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply1(expand, [x], { shape });

const concat: Operator = define({
  name: "Concat",
  family: "movement",
  summary: "joined along one axis",
  since: 13,
  infer(inputs, { axis }) {
    const at = axis as number;
    const [first, ...others] = inputs;
    for (const x of others)
      if (
        x.rank !== first!.rank ||
        x.dtype !== first!.dtype ||
        x.shape.some((dim, i) => i !== at && dim !== first!.shape[i])
      )
        throw unfit("Concat", inputs, `the inputs have to agree in dtype and in every axis but ${at}.`);
    const size = inputs.map((x) => x.shape[at]!).reduce(addDims);
    return [{ dtype: first!.dtype, shape: first!.shape.map((dim, i) => (i === at ? size : dim)) }];
  },
  gradient({ inputs, cotangents: [g], attributes, needs }) {
    if (!g) return [];
    const axis = attributes.axis as number;
    let start: Dim = 0;
    return inputs.map((x, i) => {
      const from = start;
      start = addDims(start, x.shape[axis]!);
      return needs(i) ? cut(g, axis, from, start) : undefined;
    });
  },
  batch: (inputs, batched, { axis }) => {
    const tasks = inputs[batched.indexOf(true)]!.shape[0]!;
    return [
      Concat(
        inputs.map((x, i) => (batched[i] ? x : Expand(x, [tasks, ...x.shape]))),
        (axis as number) + 1,
      ),
    ];
  },
  evaluate({ inputs, attributes, shapes }) {
    const axis = attributes.axis as number;
    const outer = product(shapes[0]!.slice(0, axis));
    const out = new Float64Array(product(shapes[0]!));
    let at = 0;
    for (let o = 0; o < outer; o++)
      for (const x of inputs) {
        const block = product(x.shape.slice(axis));
        out.set(x.data.subarray(o * block, (o + 1) * block), at);
        at += block;
      }
    return [out];
  },
});
export function Concat(inputs: readonly Value[], axis: number): Value {
  if (inputs.length === 0) throw new InnerloopError("no-inputs", "Concat needs at least one input.");
  return inputs.length === 1
    ? inputs[0]!
    : apply1(concat, inputs, { axis: normalizeAxis(axis, inputs[0]!.rank, "Concat") });
}

const slice: Operator = define({
  name: "Slice",
  family: "movement",
  summary: "a contiguous part along one axis",
  since: 13,
  infer: ([x], { axis, start, end }) => [
    { dtype: x!.dtype, shape: x!.shape.map((dim, i) => (i === axis ? difference(end as Dim, start as Dim) : dim)) },
  ],
  gradient({ inputs: [x], cotangents: [g], attributes }) {
    if (!g) return [];
    const axis = attributes.axis as number;
    const missing = (size: Dim) =>
      Expand(
        constant(0, [], g.dtype),
        g.shape.map((dim, i) => (i === axis ? size : dim)),
      );
    const before = attributes.start as Dim;
    const after = difference(x!.shape[axis]!, attributes.end as Dim);
    return [Concat([...(before === 0 ? [] : [missing(before)]), g, ...(after === 0 ? [] : [missing(after)])], axis)];
  },
  batch: ([x], _, { axis, start, end }) => [cut(x!, (axis as number) + 1, start as Dim, end as Dim)],
  evaluate({ inputs: [x], attributes, shapes, resolve }) {
    const strides = stridesOf(x!.shape);
    const start = resolve(attributes.start as Dim);
    return [stridedCopy(x!.data, shapes[0]!, strides, start * strides[attributes.axis as number]!)];
  },
});

function difference(a: Dim, b: Dim): Dim {
  return addDims(a, multiplyDims(b, -1));
}

/** The part from `start` up to `end` (not included) of one axis. */
export function cut(x: Value, axis: number, start: Dim, end: Dim): Value {
  return start === 0 && end === x.shape[axis] ? x : apply1(slice, [x], { axis, start, end });
}

/** ONNX Slice, with constant starts, ends, axes and steps; negative ones count from the end. */
export function Slice(
  x: Value,
  starts: readonly number[],
  ends: readonly number[],
  axes: readonly number[] = starts.map((_, i) => i),
  steps: readonly number[] = starts.map(() => 1),
): Value {
  return axes.reduce((value, given, i) => {
    const axis = normalizeAxis(given, x.rank, "Slice");
    const step = steps[i]!;
    const whole = value.shape[axis]!;
    if (typeof whole === "string" && step === 1 && starts[i]! >= 0 && ends[i]! >= 2 ** 31 - 1)
      return cut(value, axis, starts[i]!, whole);
    if (typeof whole === "string" && step === 1 && starts[i]! >= 0 && ends[i]! >= 0)
      return cut(value, axis, starts[i]!, ends[i]!);
    const size = fixed(whole, "Slice");
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + size : at, low), high);
    const [start, end] = [clamp(starts[i]!), clamp(ends[i]!)];
    if (step === 1) return cut(value, axis, start, Math.max(start, end));
    const count = Math.max(0, Math.ceil((end - start) / step));
    spend("numbers", count);
    return Gather(
      value,
      constant(
        Array.from({ length: count }, (_, n) => start + n * step),
        [count],
        "int64",
      ),
      axis,
    );
  }, x);
}

const gather: Operator = define({
  name: "Gather",
  family: "movement",
  summary: "entries of one axis, looked up by index",
  since: 13,
  infer: ([x, indices], { axis }) => {
    if (indices!.dtype !== "int64" && indices!.dtype !== "int32")
      throw unfit("Gather", [x!, indices!], "the indices have to be int64 or int32.");
    const at = axis as number;
    return [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at + 1)] }];
  },
  gradient({ inputs: [x, indices], cotangents: [g], attributes }) {
    if (!g) return [];
    const axis = attributes.axis as number;
    const size = fixed(x!.shape[axis]!, "the derivative of Gather");
    const known = constantOf(indices!);
    const flat = Reshape(g, [...x!.shape.slice(0, axis), sizeOf(indices!.shape), ...x!.shape.slice(axis + 1)]);
    return [known ? gatherTransposed(flat, known, axis, size) : gatherByOneHot(flat, indices!, axis, size)];
  },
  batch([x, indices], [xBatched, indicesBatched], { axis }, [original]) {
    if (!indicesBatched) return [Gather(x!, indices!, (axis as number) + 1)];
    const size = fixed(original!.shape[axis as number]!, "batching Gather");
    const tasks = indices!.shape[0]!;
    const table = xBatched ? x! : Expand(x!, [tasks, ...x!.shape]);
    return [lookUpByOneHot(table, indices!, (axis as number) + 1, size)];
  },
  evaluate({ inputs: [x, indices], attributes, shapes }) {
    const axis = attributes.axis as number;
    const outer = product(x!.shape.slice(0, axis));
    const size = x!.shape[axis]!;
    const inner = product(x!.shape.slice(axis + 1));
    const out = new Float64Array(product(shapes[0]!));
    let at = 0;
    for (let o = 0; o < outer; o++)
      for (const index of indices!.data) {
        const from = (o * size + (index < 0 ? index + size : index)) * inner;
        out.set(x!.data.subarray(from, from + inner), at);
        at += inner;
      }
    return [out];
  },
});

/** ONNX Gather: `axis` of `x` is replaced by the shape of `indices`. */
export const Gather = (x: Value, indices: Value, axis = 0): Value =>
  apply1(gather, [x, indices], { axis: normalizeAxis(axis, x.rank, "Gather") });

/** The transpose of a gather with known indices: for each entry, the sum of the places that read it; again a gather. */
export function gatherTransposed(g: Value, indices: NumberArray, axis: number, size: number): Value {
  spend("numbers", size);
  const readers: number[][] = Array.from({ length: size }, () => []);
  for (const [place, index] of indices.data.entries()) readers[index < 0 ? index + size : index]!.push(place);
  const most = Math.max(1, ...readers.map((places) => places.length));
  const places = indices.data.length;
  const short = readers.some((list) => list.length < most);
  const table = readers.flatMap((list) => [...list, ...new Array<number>(most - list.length).fill(places)]);
  const source = short ? appendZero(g, axis) : g;
  const read = Gather(source, constant(table, most === 1 ? [size] : [size, most], "int64"), axis);
  return most === 1 ? read : ReduceSum(read, { axes: [axis + 1], keepdims: false });
}

/** One more entry, zero, at the end of an axis. */
export function appendZero(x: Value, axis: number, fill = 0): Value {
  return Concat(
    [
      x,
      Expand(
        constant(fill, [], x.dtype),
        x.shape.map((dim, i) => (i === axis ? 1 : dim)),
      ),
    ],
    axis,
  );
}

/** Indices that count from the end where they are negative, as ones that count from the start. */
function fromStart(indices: Value, size: number): Value {
  return Where(Less(indices, 0), Add(indices, size), indices);
}

function gatherByOneHot(g: Value, indices: Value, axis: number, size: number): Value {
  const choice = OneHot(fromStart(Reshape(indices, [-1]), size), size, g.dtype);
  const last = g.rank - 1;
  const order = [...g.shape.keys()].filter((i) => i !== axis);
  const summed = MatMul(Transpose(g, [...order, axis]), choice);
  return Transpose(
    summed,
    [...g.shape.keys()].map((i) => (i === axis ? last : order.indexOf(i))),
  );
}

/** Looks up along `axis` with indices of their own for each task (axis 0 of both). */
function lookUpByOneHot(table: Value, indices: Value, axis: number, size: number): Value {
  const tasks = table.shape[0]!;
  const order = [...table.shape.keys()].filter((i) => i !== 0 && i !== axis);
  const rows = Reshape(Transpose(table, [0, axis, ...order]), [tasks, size, -1]);
  const flat = Reshape(indices, [tasks, -1]);
  const read = MatMul(OneHot(fromStart(flat, size), size, table.dtype), rows);
  const shaped = Reshape(read, [tasks, flat.shape[1]!, ...order.map((i) => table.shape[i]!)]);
  const back = [...table.shape.keys()].map((i) => (i === 0 ? 0 : i === axis ? 1 : order.indexOf(i) + 2));
  const moved = Transpose(shaped, back);
  return Reshape(moved, [...table.shape.slice(0, axis), ...indices.shape.slice(1), ...table.shape.slice(axis + 1)]);
}

const pad: Operator = define({
  name: "Pad",
  family: "movement",
  summary: "a constant put around",
  since: 13,
  infer: ([x], { before, after }) => [
    {
      dtype: x!.dtype,
      shape: x!.shape.map((dim, i) =>
        addDims(dim, (before as readonly number[])[i]! + (after as readonly number[])[i]!),
      ),
    },
  ],
  gradient({ inputs: [x], cotangents: [g], attributes }) {
    const before = attributes.before as readonly number[];
    return [g && x!.shape.reduce<Value>((v, dim, i) => cut(v, i, before[i]!, addDims(dim, before[i]!)), g)];
  },
  batch: ([x], _, { before, after, value }) => [
    apply1(pad, [x!], { before: [0, ...(before as number[])], after: [0, ...(after as number[])], value }),
  ],
  evaluate({ inputs: [x], attributes, shapes }) {
    const before = attributes.before as readonly number[];
    const strides = stridesOf(shapes[0]!);
    const out = new Float64Array(product(shapes[0]!)).fill(attributes.value as number);
    const from = stridesOf(x!.shape);
    x!.data.forEach((value, n) => {
      let at = 0;
      for (let axis = 0; axis < from.length; axis++)
        at += ((Math.floor(n / from[axis]!) % x!.shape[axis]!) + before[axis]!) * strides[axis]!;
      out[at] = value;
    });
    return [out];
  },
});

/** ONNX Pad: `pads` holds what goes before each axis, then what goes after each; negative pads crop. */
export function Pad(
  x: Value,
  pads: readonly number[],
  mode: "constant" | "reflect" | "edge" | "wrap" = "constant",
  value = 0,
): Value {
  const before = pads.slice(0, x.rank);
  const after = pads.slice(x.rank);
  const cropped = x.shape.reduce<Value>((v, dim, i) => {
    const start = Math.max(0, -before[i]!);
    const end = addDims(dim, Math.min(0, after[i]!));
    return cut(v, i, start, end);
  }, x);
  const [low, high] = [before, after].map((p) => p.map((n) => Math.max(0, n)));
  if (low!.every((n) => n === 0) && high!.every((n) => n === 0)) return cropped;
  if (mode === "constant") return apply1(pad, [cropped], { before: low!, after: high!, value });
  return cropped.shape.reduce<Value>((v, dim, axis) => {
    if (low![axis] === 0 && high![axis] === 0) return v;
    const size = fixed(dim, "Pad");
    spend("numbers", low![axis]! + size + high![axis]!);
    const read = Array.from({ length: low![axis]! + size + high![axis]! }, (_, i) =>
      mirrored(i - low![axis]!, size, mode),
    );
    return Gather(v, constant(read, [read.length], "int64"), axis);
  }, cropped);
}

function mirrored(at: number, size: number, mode: "reflect" | "edge" | "wrap"): number {
  if (mode === "edge") return Math.min(Math.max(at, 0), size - 1);
  if (mode === "wrap") return ((at % size) + size) % size;
  const period = Math.max(1, 2 * (size - 1));
  const folded = ((at % period) + period) % period;
  return folded < size ? folded : period - folded;
}

spelling("Squeeze", "movement", 13, "Reshape", "axes of size 1 removed");
/** Axes of size 1 removed: those named, or all. */
export function Squeeze(
  x: Value,
  axes: readonly number[] = x.shape.flatMap((dim, i) => (dim === 1 ? [i] : [])),
): Value {
  const gone = axes.map((axis) => normalizeAxis(axis, x.rank, "Squeeze"));
  for (const axis of gone)
    if (x.shape[axis] !== 1) throw unfit("Squeeze", [x], `axis ${axis} has size ${x.shape[axis]}, not 1.`);
  return Reshape(
    x,
    x.shape.filter((_, axis) => !gone.includes(axis)),
  );
}

spelling("Unsqueeze", "movement", 13, "Reshape", "axes of size 1 put in");
/** Axes of size 1 put in at the places that they have in the result. */
export function Unsqueeze(x: Value, axes: readonly number[]): Value {
  const rank = x.rank + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(axis, rank, "Unsqueeze")));
  if (added.size < axes.length) throw unfit("Unsqueeze", [x], `axes [${axes}] has to name each axis once.`);
  const rest = x.shape[Symbol.iterator]();
  return Reshape(
    x,
    Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : rest.next().value!)),
  );
}

spelling("Flatten", "movement", 13, "Reshape", "two axes made of all");
/** All axes before `axis` made one, and all from `axis` on. */
export const Flatten = (x: Value, axis = 1): Value => {
  const at = axis < 0 ? axis + x.rank : axis;
  return Reshape(x, [sizeOf(x.shape.slice(0, at)), sizeOf(x.shape.slice(at))]);
};

spelling("Split", "movement", 18, "Slice", "cut into parts along an axis");
/** Cut into parts of the sizes given (or this many equal ones) along one axis. */
export function Split(x: Value, parts: number | readonly number[], axis = 0): Value[] {
  const at = normalizeAxis(axis, x.rank, "Split");
  const size = fixed(x.shape[at]!, "Split");
  if (typeof parts === "number") {
    // Of nothing there may be many parts, but not so many that the list of them is too much.
    if (!(Number.isSafeInteger(parts) && parts > 0 && parts <= (size || 2 ** 16)))
      throw unfit("Split", [x], `cannot be cut into ${parts} parts.`);
    spend("nodes", parts);
  }
  const chunk = typeof parts === "number" ? Math.ceil(size / parts) : 0;
  const sizes =
    typeof parts === "number" ? Array.from({ length: parts }, (_, i) => Math.min(chunk, size - i * chunk)) : parts;
  let start = 0;
  return sizes.map((length) => {
    const from = start;
    start += length;
    return cut(x, at, from, start);
  });
}

spelling("Tile", "movement", 13, "Reshape, Expand", "the whole array repeated along each axis");
/** The whole array repeated this often along each axis. */
export function Tile(x: Value, repeats: readonly number[]): Value {
  const interleaved = x.shape.flatMap((dim) => [1, dim]);
  const target = x.shape.flatMap((dim, i) => [repeats[i]!, dim]);
  return Reshape(
    Expand(Reshape(x, interleaved), target),
    x.shape.map((dim, i) => multiplyDims(dim, repeats[i]!)),
  );
}

const range: Operator = define({
  name: "Range",
  family: "movement",
  summary: "0, 1, 2 … as many as a symbol stands for, or as a scalar says",
  since: 11,
  infer: (_, { size }) => [{ dtype: "int64", shape: [size as Dim] }],
  batch: (inputs, batched) => {
    throw unfit(
      "Range",
      inputs,
      batched.length > 0 ? "its length cannot differ from task to task." : "it takes no tasks.",
    );
  },
  evaluate({ inputs: [limit], attributes, bind, shapes }) {
    if (limit && typeof attributes.size === "string") bind(attributes.size, limit.data[0]!);
    const length = limit ? limit.data[0]! : shapes[0]![0]!;
    return [Float64Array.from({ length }, (_, i) => i)];
  },
});

/** 0 … size−1 as int64. With `limit` (an int64 scalar) the length is known only when the graph runs, and `size` names it. */
export function Range(size: Dim, limit?: Value): Value {
  if (typeof size !== "number" || limit) return apply(range, limit ? [limit] : [], { size })[0]!;
  if (!(Number.isSafeInteger(size) && size >= 0)) throw unfit("Range", [], `${size} is no number of entries.`);
  spend("numbers", size);
  return constant(
    new Float64Array(size).map((_, i) => i),
    [size],
    "int64",
  );
}

spelling("OneHot", "movement", 11, "Equal, Cast", "1 at the index, 0 elsewhere");
/** One-hot rows on a new last axis: 1 at the index, 0 elsewhere; indices outside 0…depth−1 give zeros. */
export function OneHot(indices: Value, depth: Dim | Value, dtype: DType = "float32"): Value {
  const classes = typeof depth === "object" ? depth : Range(depth);
  return Cast(Equal(Unsqueeze(Cast(indices, "int64"), [-1]), classes), dtype);
}

spelling("DepthToSpace", "movement", 13, "Reshape, Transpose", "blocks of channels moved into space");
/** Blocks of `blocksize`² channels moved into space (ONNX), channels first; `mode`: blocks are the outer (DCR) or inner (CRD) part of the channels. */
export function DepthToSpace(x: Value, blocksize: number, mode: "DCR" | "CRD" = "DCR"): Value {
  const [n, channels, h, w] = x.shape as [Dim, Dim, Dim, Dim];
  const inner = divideDims(channels, blocksize ** 2);
  if (x.rank !== 4 || inner === undefined)
    throw unfit("DepthToSpace", [x], `needs [N, C, H, W] with C a multiple of ${blocksize ** 2}.`);
  const split =
    mode === "DCR"
      ? Transpose(Reshape(x, [n, blocksize, blocksize, inner, h, w]), [0, 3, 4, 1, 5, 2])
      : Transpose(Reshape(x, [n, inner, blocksize, blocksize, h, w]), [0, 1, 4, 2, 5, 3]);
  return Reshape(split, [n, inner, multiplyDims(h, blocksize), multiplyDims(w, blocksize)]);
}

spelling("SpaceToDepth", "movement", 13, "Reshape, Transpose", "blocks of space moved into channels");
/** Blocks of space moved into channels (ONNX), channels first. */
export function SpaceToDepth(x: Value, blocksize: number): Value {
  const [n, channels, height, width] = x.shape as [Dim, Dim, Dim, Dim];
  const [h, w] = x.rank === 4 ? [divideDims(height, blocksize), divideDims(width, blocksize)] : [];
  if (h === undefined || w === undefined)
    throw unfit("SpaceToDepth", [x], `needs [N, C, H, W] with H and W multiples of ${blocksize}.`);
  const split = Reshape(x, [n, channels, h, blocksize, w, blocksize]);
  return Reshape(Transpose(split, [0, 3, 5, 1, 2, 4]), [n, multiplyDims(channels, blocksize ** 2), h, w]);
}
