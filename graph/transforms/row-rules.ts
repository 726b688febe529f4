// Which rows of its inputs an operator needs for some rows of what it makes, and how it makes these alone.
import { apply, constantOf } from "../core/build.ts";
import { addDims, type Dim } from "../core/dims.ts";
import { at, zip } from "../core/lists.ts";
import { type Shape, sameShape, sizeOf } from "../core/shapes.ts";
import { type Inputs, is, type Node, type Outputs, operandsOf, type Value } from "../core/value.ts";
import { dependencies, inOrder } from "../core/walk.ts";
import { Gather } from "../ops/internal/gathering.ts";
import { cut } from "../ops/internal/slicing.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Expand, Reshape, Transpose } from "../ops/movement.ts";
import { InverseDeviation, Standardize } from "../ops/normalization.ts";
import { Concat } from "../ops/parts.ts";
import { lengthOf, merged, mostRuns, type Run, type Runs, shifted, within } from "./runs.ts";

/** What of a value is read: of some axes some rows, of the others all. */
export type Rows = ReadonlyMap<number, Runs>;

export const allRows: Rows = new Map();

/** The shape of some rows of a value. */
export const shapeOfRows = (shape: Shape, rows: Rows): Dim[] =>
  shape.map((dim, axis) => {
    const runs = rows.get(axis);
    return runs ? lengthOf(runs) : dim;
  });

/** For each input of a node the axis that has the rows of one axis of the output; undefined for an input that all rows read whole. */
type Axes = readonly (number | undefined)[];

/** The indices that a Gather looks up, which count from the start, in their order. */
export function lookedUp(node: Node): Runs | undefined {
  if (!is(node, Gather)) return undefined;
  const [x, indices] = node.inputs;
  const numbers = constantOf(indices)?.data;
  if (!numbers) return undefined;
  const size = at(x.shape, node.attributes.axis);
  return Array.from(numbers, (index): Run => {
    const start = index < 0 ? addDims(size, index) : index;
    return [start, addDims(start, 1)];
  });
}

/** What a node reads of an axis for its whole output where that is not all of it: of its first input. */
export function cutOut(node: Node): { readonly axis: number; readonly runs: Runs } | undefined {
  if (is(node, cut)) {
    const { axis, start, end } = node.attributes;
    return start === end ? undefined : { axis, runs: [[start, end]] };
  }
  const runs = lookedUp(node);
  if (!runs || runs.length === 0 || runs.length > mostRuns) return undefined;
  return { axis: Number(node.attributes.axis), runs: merged(runs) };
}

/** What a node needs of each input for some rows of an axis of its output; undefined where that is not less than all. */
export function rowsFor(
  node: Node,
  axis: number,
  runs: Runs,
): readonly ({ readonly axis: number; readonly runs: Runs } | undefined)[] | undefined {
  if (is(node, cut) && axis === node.attributes.axis) return [{ axis, runs: shifted(runs, node.attributes.start) }];
  if (is(node, Concat) && axis === node.attributes.axis) return rowsOfParts(node.inputs, axis, runs);
  const indices = lookedUp(node);
  if (indices && axis === node.attributes.axis && node.inputs[1]?.rank === 1) {
    const places = numbersIn(runs)?.map((place) => at(indices, place));
    return places && [{ axis, runs: merged(places) }];
  }
  return axesFor(node, axis)?.map((own) => (own === undefined ? undefined : { axis: own, runs }));
}

/** The numbers of all rows, in their order; undefined where there are too many or their places are open. */
export function numbersIn(runs: Runs): number[] | undefined {
  const numbers: number[] = [];
  for (const [start, end] of runs) {
    if (typeof start !== "number" || typeof end !== "number") return undefined;
    if (numbers.length + end - start > mostRuns) return undefined;
    for (let place = start; place < end; place++) numbers.push(place);
  }
  return numbers;
}

/** What is read of arrays that lie one after another. */
function rowsOfParts(parts: readonly Value[], axis: number, runs: Runs) {
  const found: { readonly axis: number; readonly runs: Runs }[] = [];
  let start: Dim = 0;
  for (const { shape } of parts) {
    const end = addDims(start, at(shape, axis));
    const own = within(runs, [start, end]);
    if (!own) return undefined;
    found.push({ axis, runs: own });
    start = end;
  }
  return found;
}

function axesFor(node: Node, axis: number): Axes | undefined {
  const [y] = node.outputs;
  const [x, other] = node.inputs;
  if (!x || node.outputs.length > 1) return undefined;
  if (node.operator.traits?.placewise) return aligned(node.inputs, y.shape, axis);
  const first = (own: number | undefined): Axes | undefined =>
    own === undefined ? undefined : node.inputs.map((_, i) => (i === 0 ? own : undefined));
  if (is(node, MatMul)) {
    if (axis === y.rank - 1) return [undefined, at(node.inputs, 1).rank - 1];
    if (axis === y.rank - 2) return [x.rank - 2, undefined];
    return aligned(node.inputs, y.shape, axis);
  }
  if (is(node, Transpose)) return first(at(node.attributes.perm, axis));
  if (is(node, Reshape)) return first(keptApart(x.shape, y.shape, axis));
  if (is(node, Expand)) return first(aligned([x], y.shape, axis)?.[0]) ?? node.inputs.map(() => undefined);
  if (is(node, cut)) return first(axis);
  if (is(node, Concat)) return node.inputs.map(() => axis);
  if (is(node, Gather)) {
    const [from, count] = [node.attributes.axis, other?.rank ?? 0];
    if (axis < from) return [axis, undefined];
    if (axis >= from + count) return [axis - count + 1, undefined];
    return constantOf(at(node.inputs, 1)) ? undefined : [undefined, axis - from];
  }
  if (is(node, Standardize) || is(node, InverseDeviation))
    return node.attributes.axes.includes(axis) ? undefined : [axis];
  if (node.operator.family === "reduction") return first(behindSums(node, x, axis));
  return inParts(node, axis)?.axes;
}

/** Axes of operands that are repeated by broadcasting. */
function aligned(inputs: Inputs, shape: Shape, axis: number): Axes | undefined {
  const axes: (number | undefined)[] = [];
  for (const value of inputs) {
    const own = value ? axis - shape.length + value.rank : -1;
    const dim = own < 0 ? 1 : value?.shape[own];
    if (dim !== shape[axis] && dim !== 1) return undefined;
    axes.push(dim === 1 ? undefined : own);
  }
  return axes;
}

/** The axis that is the same one in another shape. */
function keptApart(from: Shape, to: Shape, axis: number): number | undefined {
  if ([...from, ...to].includes(0)) return undefined;
  const before = sizeOf(to.slice(0, axis));
  const own = from.findIndex((dim, i) => dim === to[axis] && sizeOf(from.slice(0, i)) === before);
  return own < 0 ? undefined : own;
}

/** The axis of what was summed, or of which the largest was taken. */
function behindSums({ attributes: { axes, keepdims } }: Node, x: Value, axis: number): number | undefined {
  if (!Array.isArray(axes) || typeof keepdims !== "boolean") return undefined;
  const left = x.shape.flatMap((_, i) => (axes.includes(i) ? (keepdims ? [-1] : []) : [i]));
  const own = left[axis];
  return own === undefined || own < 0 ? undefined : own;
}

/** How the rows of an axis go through what a node is made of. */
interface Through {
  readonly axes: Axes;
  /** The axis that has them in each part that does; "whole" where each row needs all of it. */
  readonly along: ReadonlyMap<Value, number | "whole">;
}

const through = new WeakMap<Node, Map<number, Through | undefined>>();

function inParts(node: Node, axis: number): Through | undefined {
  const known = through.get(node) ?? new Map<number, Through | undefined>();
  through.set(node, known);
  if (!known.has(axis)) known.set(axis, throughParts(node, axis));
  return known.get(axis);
}

const made = new WeakMap<Node, Outputs>();

function partsOf(node: Node): Outputs | undefined {
  const parts = made.get(node) ?? node.operator.decompose?.(node.inputs, node.attributes);
  if (parts) made.set(node, parts);
  return parts;
}

function nodesOf(node: Node, parts: Outputs): Node[] {
  const given = new Set(operandsOf(node));
  return inOrder(parts, (value) => given.has(value), dependencies);
}

function throughParts(node: Node, axis: number): Through | undefined {
  const parts = partsOf(node);
  if (!parts) return undefined;
  const along = new Map<Value, number | "whole">([[parts[0], axis]]);
  const fits = (value: Value, how: number | "whole"): boolean => {
    const before = along.get(value) ?? how;
    along.set(value, before);
    return before === how;
  };
  for (const part of nodesOf(node, parts).reverse()) {
    const how = along.get(part.outputs[0]) ?? "whole";
    const axes = how === "whole" ? part.inputs.map(() => undefined) : axesFor(part, how);
    if (!axes || part.outputs.length > 1) return undefined;
    const agree = part.inputs.every((value, i) => !value || fits(value, axes[i] ?? "whole"));
    if (!agree || !dependencies(part).every((value) => part.inputs.includes(value) || fits(value, "whole")))
      return undefined;
  }
  const axes = node.inputs.map((value) => {
    const how = value ? along.get(value) : undefined;
    return how === "whole" ? undefined : how;
  });
  return { axes, along };
}

/**
 * Some rows of what a node makes.
 * @param inputs those rows of its inputs that it needs for them
 */
export function rowsMade(node: Node, rows: Rows, inputs: Inputs): Value {
  const { operator, attributes } = node;
  const [y] = node.outputs;
  const shape = shapeOfRows(y.shape, rows);
  const [x] = inputs;
  if (x && is(node, Reshape)) return Reshape(x, shape);
  if (x && is(node, Expand)) return Expand(x, shape);
  const isKnown = [...rows.keys()].every((axis) => !through.get(node)?.get(axis));
  return isKnown ? apply(operator, inputs, attributes)[0] : rowsOfWhole(node, rows, inputs);
}

/** The same of a node that is gone through by its parts: the node, where of these rows it is made of the same parts. */
function rowsOfWhole(node: Node, rows: Rows, inputs: Inputs): Value {
  const parts = partsOf(node);
  if (!parts) throw new Error(`${node.operator.name} is made of nothing.`);
  const now = new Map<Value, Value>();
  zip(node.inputs, inputs, (before, value) => before && value && now.set(before, value));
  for (const part of nodesOf(node, parts)) {
    const [y] = part.outputs;
    const own = new Map(
      [...rows].flatMap(([axis, runs]) => {
        const how = inParts(node, axis)?.along.get(y);
        return typeof how === "number" ? [[how, runs] as const] : [];
      }),
    );
    const given = part.inputs.map((value) => value && (now.get(value) ?? value));
    const same = given.every((value, i) => value === part.inputs[i]);
    if (own.size > 0 || !same) now.set(y, rowsMade(part, own, given));
  }
  const result = now.get(parts[0]) ?? parts[0];
  try {
    const whole = apply(node.operator, inputs, node.attributes);
    const [first] = sameShape(whole[0].shape, result.shape) ? (partsOf(whole[0].node) ?? []) : [];
    return first === result ? whole[0] : result;
  } catch {
    // What is told a size in so many words takes no other.
    return result;
  }
}
