// Movement as ONNX has it: shapes, starts, ends and pads are inputs there, which have to be known when a model is read.
import { InnerloopError } from "@innerloop/schemas";
import { spend } from "../../core/budget.ts";
import { constant, constantOf } from "../../core/build.ts";
import { addDims, type Dim, divideDims } from "../../core/dims.ts";
import { isTold } from "../../core/fresh.ts";
import { isFloat } from "../../core/operator.ts";
import { fixed, normalizeAxis, type Shape, sizeOf } from "../../core/shapes.ts";
import { is, type Value } from "../../core/value.ts";
import { LoweredPhases } from "../../lowering/blocks.ts";
import { LoweredSlices } from "../../lowering/slices.ts";
import * as op from "../../ops/index.ts";
import { PadBy, SliceBy, SqueezeBy, TileBy, UnsqueezeBy } from "../../ops/internal/computed.ts";
import { counted } from "../../ops/internal/counting.ts";
import { AsNumbers, dividedSize, sizeNumber, sizesOf } from "../../ops/internal/sizes.ts";
import { beyondAxes, cut } from "../../ops/internal/slicing.ts";
import { choice, flag, int, ints, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import type { Entry, Sizes } from "../reader/entry.ts";
import { sizes } from "../reader/sizes.ts";
import { writing } from "../writer/form.ts";

/** What is cut out of one axis: of which some may be open. */
interface Cut {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly step: number;
}

/** A slice by what is computed, or of which the sizes only come out when the graph runs. */
function slicedBy(c: Call): Value {
  const list = (i: number) => (c.has(i) ? op.Cast(c.value(i), "int64") : undefined);
  const starts = c.dims(1);
  const axes = c.isConstant(3) ? (c.numbers(3) ?? starts.map((_, i) => i)) : undefined;
  return SliceBy(c.value(0), op.Cast(c.value(1), "int64"), op.Cast(c.value(2), "int64"), list(3), list(4), axes);
}

function readSlice(c: Call): Value {
  if (![1, 2].every((i) => c.isKnown(i)) || ![3, 4].every((i) => c.isConstant(i))) return slicedBy(c);
  const [starts, ends] = [c.dims(1), c.dims(2)];
  const axes = c.numbers(3) ?? starts.map((_, i) => i);
  const steps = c.numbers(4) ?? starts.map(() => 1);
  const cuts = starts.flatMap((start, i): Cut[] => {
    const [end, axis, step] = [ends[i], axes[i], steps[i]];
    return end === undefined || axis === undefined || !step ? [] : [{ axis, start, end, step }];
  });
  if ([ends, axes, steps, cuts].some((list) => list.length !== starts.length))
    throw new InnerloopError("bad-model", "needs as many ends, axes and steps as starts, and no step of 0.");
  return cuts.reduce<Value | undefined>((x, part) => x && sliced(x, part), c.value(0)) ?? slicedBy(c);
}

/** A part of one axis; undefined where only a graph that runs tells which. */
function sliced(x: Value, { axis: counted, start, end, step }: Cut): Value | undefined {
  const axis = normalizeAxis(counted, x.rank, "Slice");
  const size = x.shape[axis] ?? 1;
  const known = typeof start === "number" && typeof end === "number";
  if (known && (typeof size === "number" || (start >= 0 && end >= 0 && step === 1)))
    return op.Slice(x, [start], [end], [axis], [step]);
  if (step === -1 && start === -1 && typeof end === "number" && end <= -beyondAxes) {
    const places = op.Range(size);
    return op.Gather(x, op.Sub(op.Sub(sizeNumber(size), 1), places), axis);
  }
  if (step !== 1) return undefined;
  const place = (at: Dim): Dim =>
    typeof at === "string" ? at : at < 0 ? addDims(size, at) : at >= beyondAxes ? size : at;
  return cut(x, axis, place(start), place(end));
}

function readPad(c: Call, mode: "constant" | "reflect" | "edge" | "wrap"): Value {
  const x = c.value(0);
  if (![1, 2, 3].every((i) => c.isConstant(i))) {
    const axes = c.has(3) ? op.Cast(c.value(3), "int64") : undefined;
    return PadBy(
      x,
      op.Cast(c.value(1), "int64"),
      mode,
      c.optional(2),
      axes,
      c.isConstant(3) ? c.numbers(3) : undefined,
    );
  }
  const listed = c.numbers(1) ?? [];
  const axes = (c.numbers(3) ?? [...x.shape.keys()]).map((axis) => normalizeAxis(axis, x.rank, "Pad"));
  if (listed.length !== 2 * axes.length || !listed.every(Number.isSafeInteger))
    throw new InnerloopError(
      "bad-model",
      `has ${listed.length} pads for ${axes.length} axes; two whole numbers each were expected.`,
    );
  const pads = new Array<number>(2 * x.rank).fill(0);
  listed.forEach((pad, i) => {
    const [axis = 0, side] = i < axes.length ? [axes[i], 0] : [axes[i - axes.length], x.rank];
    pads[axis + side] = pad;
  });
  return op.Pad(x, pads, mode, c.numbers(2)?.[0] ?? 0);
}

function readRange(c: Call): Value {
  const counts = [0, 2].every((i) => c.isConstant(i)) && c.single(0) === 0 && c.single(2) === 1;
  if (counts && !isFloat(c.dtype(1)) && c.isKnown(1)) {
    const limit = c.dim(1);
    if (typeof limit === "string") return op.Cast(op.Range(limit), c.dtype(0));
  }
  if (![0, 1, 2].every((i) => c.isConstant(i))) return rangeBy(c.value(0), c.value(1), c.value(2));
  const [start, limit, delta] = [c.single(0), c.single(1), c.single(2)];
  const length = Math.max(0, Math.ceil((limit - start) / delta));
  if (!Number.isSafeInteger(length))
    throw new InnerloopError("bad-model", `counts from ${start} to ${limit} by ${delta}, which never ends.`);
  spend("numbers", length);
  const numbers = Float64Array.from({ length }, (_, i) => start + i * delta);
  return constant(numbers, [length], c.constant(0)?.dtype);
}

/** start, start + delta … before a limit, all of them computed. */
function rangeBy(start: Value, limit: Value, delta: Value): Value {
  const real = start.dtype === "float32" || start.dtype === "float64" ? start.dtype : "float64";
  const length = op.Ceil(op.Div(op.Cast(op.Sub(limit, start), real), op.Cast(delta, real)));
  const [size = 0] = sizesOf(op.Reshape(op.Cast(op.Max(length, 0), "int64"), []));
  const steps = op.Cast(counted(size), start.dtype);
  return op.Add(op.Reshape(start, []), op.Mul(steps, op.Reshape(delta, [])));
}

function readOneHot(c: Call, { axis: counted }: { readonly axis: number }): Value {
  const depth = c.dim(1);
  const values = c.value(2);
  if (values.rank !== 1 || values.shape[0] !== 2)
    throw new InnerloopError("bad-model", "needs two values, for off and for on.");
  const [off, on] = constantOf(values)?.data ?? [];
  const indices = op.Cast(c.value(0), "int64");
  const classes = op.Range(depth);
  const wrapped = op.Where(op.Less(indices, 0), op.Add(indices, op.Size(classes)), indices);
  const choice = op.OneHot(wrapped, classes, "bool");
  const hot = op.Cast(choice, values.dtype);
  const axis = normalizeAxis(counted, hot.rank, "OneHot");
  const order = [...hot.shape.keys()].slice(0, -1);
  order.splice(axis, 0, hot.rank - 1);
  if (off === 0 && on === 1) return op.Transpose(hot, order);
  const entry = (i: number) => op.Reshape(op.Slice(values, [i], [i + 1]), []);
  return op.Where(op.Transpose(choice, order), entry(1), entry(0));
}

function readReshape(c: Call, allowZero: boolean): Value {
  if (!c.isKnown(1)) return reshapedBy(c.value(0), op.Cast(c.value(1), "int64"), allowZero);
  const shape = c.dims(1);
  if (allowZero && shape.includes(0)) {
    if (shape.every((dim) => dim !== -1)) return op.Expand(op.Reshape(c.value(0), [0]), shape);
    throw new InnerloopError("bad-model", "with allowzero has a size of 0 and one that is to be found, −1.");
  }
  return op.Reshape(c.value(0), withRest(c.value(0), shape));
}

/** A shape with what is left in the place of −1, where open sizes do not say that it comes out even: a run computes it. */
function withRest(x: Value, shape: Shape): Shape {
  const total = sizeOf(x.shape);
  if (typeof total === "number" || !shape.includes(-1)) return shape;
  const kept = shape.map((dim, axis) => (dim === 0 ? (x.shape[axis] ?? dim) : dim));
  const others = sizeOf(kept.filter((dim) => dim !== -1));
  if (others === 0 || divideDims(total, others) !== undefined) return shape;
  return shape.map((dim) => (dim === -1 ? dividedSize(total, others) : dim));
}

/** A reshape to what is computed: 0 keeps the size of that axis, and −1 is what is left. */
function reshapedBy(x: Value, shape: Value, allowZero: boolean): Value {
  const rank = fixed(shape.shape[0] ?? 0, "the shape of a Reshape");
  spend("numbers", rank);
  const own = x.shape.slice(0, rank);
  const beside = AsNumbers([...own, ...new Array<number>(rank - own.length).fill(1)]);
  const kept = allowZero ? shape : op.Where(op.Equal(shape, 0), beside, shape);
  // Where none is to be found the product may be 0, by which nothing is divided.
  const open = op.Equal(kept, -1);
  const product = op.ReduceProd(op.Where(open, 1, kept), { keepdims: false });
  const found = op.Div(sizeNumber(sizeOf(x.shape)), op.Max(product, 1));
  return op.Reshape(x, sizesOf(op.Where(open, found, kept)));
}

function readSplit(c: Call, axis: number): Value[] {
  const x = c.value(0);
  const along = normalizeAxis(axis, x.rank, "Split");
  const size = x.shape[along] ?? 1;
  if (typeof size === "number" && c.isConstant(1)) return op.Split(x, c.numbers(1) ?? c.outputs, axis);
  // Parts are equal but for the last, which has what is left.
  const part = divideDims(size, c.outputs) ?? dividedSize(addDims(size, c.outputs - 1), c.outputs);
  const sizes = c.has(1) ? c.dims(1) : new Array<Dim>(c.outputs).fill(part);
  let start: Dim = 0;
  return sizes.map((length, i) => {
    const from = start;
    start = addDims(start, length);
    return cut(x, along, from, i === sizes.length - 1 ? size : start);
  });
}

/** The sizes that a list of places picks out of a list. */
function gathered({ dims }: Sizes, places: Sizes): Entry {
  const picked = places.dims.map((place) => {
    const size = typeof place === "number" ? dims[normalizeAxis(place, dims.length, "Gather")] : undefined;
    if (size !== undefined) return size;
    throw new InnerloopError(
      "open-dim",
      `Which of ${dims.length} sizes is number ${place} is open while the model is read.`,
    );
  });
  return sizes(picked, places.axes);
}

function concatenated(parts: readonly Sizes[]): Sizes {
  spend(
    "numbers",
    parts.reduce((total, { dims }) => total + dims.length, 0),
  );
  return { axes: "list", dims: parts.flatMap(({ dims }) => dims) };
}

/** Whether an array has nothing in it, or may have, and not because of an axis that it keeps: 0 stands for no other size then. */
const isEmptied = (x: Value, y: Value): boolean =>
  y.shape.some((dim, axis) => (dim === 0 || isTold(dim)) && x.shape[axis] !== dim);

/** A reshape's target with at most one size left open (−1) and kept ones as 0, so that it stays a constant; or the whole shape. */
function reshapeTarget(x: Value, y: Value): readonly number[] | Shape {
  let open = false;
  const target: number[] = [];
  for (const [axis, dim] of y.shape.entries()) {
    if (typeof dim === "number") target.push(dim);
    else if (dim === x.shape[axis] && y.shape.slice(0, axis).every((d, i) => d === x.shape[i])) target.push(0);
    else if (open) return y.shape;
    else {
      open = true;
      target.push(-1);
    }
  }
  return target;
}

/** Expand broadcasts both ways, so sizes that the input has already can be left at 1. */
const expandTarget = (x: Value, y: Value): Dim[] =>
  y.shape.map((dim, axis) => (typeof dim === "string" && x.shape[axis - y.rank + x.rank] === dim ? 1 : dim));

const sliceWritten = writing(op.Slice, ({ inputs: [x], attributes: { axis, start, end } }, to) => {
  const whole = to.input(0);
  const last = end === x.shape[axis] ? to.list([Number.MAX_SAFE_INTEGER]) : to.size(end);
  return { input: [whole, to.size(start), last, to.list([axis])] };
});

const slicesWritten = writing(LoweredSlices, ({ attributes: { starts, ends, axes, steps } }, to) => ({
  input: [to.input(0), to.list(starts), to.list(ends), to.list(axes), to.list(steps)],
}));

export const movement = {
  Concat: onnxOperator({
    attributes: { axis: int(0) },
    read: (c, { axis }) => op.Concat(c.values(), axis),
    sizes: (c) => concatenated(c.entries().map((_, i) => c.sizes(i))),
  }),
  DepthToSpace: onnxOperator({
    attributes: { blocksize: int(1), mode: choice("DCR", "CRD") },
    read: (c, { blocksize, mode }) => op.DepthToSpace(c.value(0), blocksize, mode),
  }),
  Expand: onnxOperator({
    read: (c) => op.Expand(c.value(0), c.dims(1)),
    write: writing(op.Expand, ({ inputs: [x], outputs: [y] }, to) => ({
      input: [to.input(0), to.shape(expandTarget(x, y))],
    })),
  }),
  Flatten: onnxOperator({ attributes: { axis: int(1) }, read: (c, { axis }) => op.Flatten(c.value(0), axis) }),
  Gather: onnxOperator({
    attributes: { axis: int(0) },
    read: (c, { axis }) => op.Gather(c.value(0), c.value(1), axis),
    sizes: (c) => gathered(c.sizes(0), c.sizes(1)),
  }),
  OneHot: onnxOperator({ attributes: { axis: int(-1) }, read: readOneHot }),
  Pad: onnxOperator({
    attributes: { mode: choice("constant", "reflect", "edge", "wrap") },
    read: (c, { mode }) => readPad(c, mode),
    write: writing(op.Pad, ({ inputs: [x], attributes: { before, after, value } }, to) => {
      const padded = to.input(0);
      const fill = to.constant({ dtype: x.dtype, shape: [], data: Float64Array.of(value) });
      return { input: [padded, to.list([...before, ...after]), fill] };
    }),
  }),
  Range: onnxOperator({
    read: readRange,
    write: writing(op.Range, ({ attributes: { size } }, to) => {
      const [limit] = to.inputs();
      return { input: [to.scalar(0), limit || to.scalarSize(size), to.scalar(1)] };
    }),
  }),
  Reshape: onnxOperator({
    attributes: { allowzero: flag(false) },
    read: (c, { allowzero }) => readReshape(c, allowzero),
    sizes: (c) => {
      const rank = c.sizes(1).dims.length;
      return rank > 1 ? undefined : { axes: rank === 0 ? "scalar" : "list", dims: c.sizes(0).dims };
    },
    write: writing(op.Reshape, ({ inputs: [x], outputs: [y] }, to) =>
      isEmptied(x, y)
        ? { input: [to.input(0), to.shape(y.shape)], attribute: [written("allowzero", flag(false), true)] }
        : { input: [to.input(0), to.shape(reshapeTarget(x, y))] },
    ),
  }),
  Slice: onnxOperator({
    read: readSlice,
    sizes: (c) => {
      const [start, end] = [c.sizes(1).dims[0], c.sizes(2).dims[0]];
      const step = c.has(4) ? c.sizes(4).dims[0] : 1;
      if (typeof start !== "number" || typeof end !== "number" || step !== 1) return undefined;
      return sizes(c.sizes(0).dims.slice(start, end));
    },
    write: (node, to) => (is(node, LoweredSlices) ? slicesWritten(node, to) : sliceWritten(node, to)),
  }),
  SpaceToDepth: onnxOperator({
    attributes: { blocksize: int(1), mode: choice("DCR", "CRD") },
    read: (c, { blocksize, mode }) => op.SpaceToDepth(c.value(0), blocksize, mode),
    write: writing(LoweredPhases, (_, to) => ({ input: to.inputs(), attribute: [written("blocksize", int(), 2)] })),
  }),
  Split: onnxOperator({
    attributes: { axis: int(0), num_outputs: int() },
    read: (c, { axis }) => readSplit(c, axis),
  }),
  Squeeze: onnxOperator({
    read: (c) =>
      c.isConstant(1) ? op.Squeeze(c.value(0), c.numbers(1)) : SqueezeBy(c.value(0), op.Cast(c.value(1), "int64")),
    sizes: (c) => ({ axes: "scalar", dims: c.sizes(0).dims }),
  }),
  Tile: onnxOperator({
    read: (c) =>
      c.isConstant(1) ? op.Tile(c.value(0), c.numbers(1) ?? []) : TileBy(c.value(0), op.Cast(c.value(1), "int64")),
  }),
  Transpose: onnxOperator({ attributes: { perm: ints() }, read: (c, { perm }) => op.Transpose(c.value(0), perm) }),
  Unsqueeze: onnxOperator({
    read: (c) =>
      c.isConstant(1)
        ? op.Unsqueeze(c.value(0), c.numbers(1) ?? [])
        : UnsqueezeBy(c.value(0), op.Cast(c.value(1), "int64")),
    sizes: (c) => {
      const { axes, dims } = c.sizes(0);
      return axes === "scalar" && c.numbers(1)?.length === 1 ? { axes: "list", dims } : undefined;
    },
  }),
};
