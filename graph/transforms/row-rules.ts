// Which rows of its inputs an operator needs for some rows of what it makes, and how it makes these alone.
import { apply, constantOf } from "../core/build.ts";
import { addDims, type Dim, divideDims, multiplyDims } from "../core/dims.ts";
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

/**
 * Where rows lie: along an axis that holds one time or several `of` rows of `inner` entries each. Those of an axis by itself are all its
 * entries; where examples and tokens are one axis, the tokens are as many rows of each example.
 */
export interface Lying {
  readonly axis: number;
  readonly of: Dim;
  readonly inner: Dim;
}

/** Some of the rows that lie along an axis. */
export interface Part extends Lying {
  readonly runs: Runs;
}

/** What of a value is read: of some axes some rows, of the others all. */
export type Rows = ReadonlyMap<number, Part>;

export const allRows: Rows = new Map();

/** The shape of some rows of a value. */
export const shapeOfRows = (shape: Shape, rows: Rows): Dim[] =>
  shape.map((dim, axis) => {
    const part = rows.get(axis);
    return part ? multiplyDims(multiplyDims(outerOf(part, dim), lengthOf(part.runs)), part.inner) : dim;
  });

/** How often an axis of a size has all of the rows that lie along it. */
export const outerOf = ({ of, inner }: Lying, size: Dim): Dim => divideDims(size, multiplyDims(of, inner)) ?? 1;

/** Whether rows are the entries of an axis. */
export const isPlain = ({ of, inner }: Lying, size: Dim): boolean => of === size && inner === 1;

export const isSameLying = (a: Lying, b: Lying): boolean => a.axis === b.axis && a.of === b.of && a.inner === b.inner;

/** All entries of an axis. */
const entriesOf = ({ shape }: Value, axis: number): Lying => ({ axis, of: at(shape, axis), inner: 1 });

/** For each input of a node where it has the rows of the output; undefined for an input that all rows read whole. */
type Where = readonly (Lying | undefined)[];

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

/** What a node reads of its first input for its whole output, where that is not all of it. */
export function cutOut(node: Node): Part | undefined {
  const [x] = node.inputs;
  if (is(node, cut)) {
    const { axis, start, end } = node.attributes;
    return start === end ? undefined : { ...entriesOf(node.inputs[0], axis), runs: [[start, end]] };
  }
  const runs = lookedUp(node);
  if (!x || !runs || runs.length === 0 || runs.length > mostRuns) return undefined;
  return { ...entriesOf(x, Number(node.attributes.axis)), runs: merged(runs) };
}

/** What a node needs of each input for some rows of its output; undefined where that is not less than all. */
export function rowsFor(node: Node, part: Part): readonly (Part | undefined)[] | undefined {
  const { axis, runs } = part;
  const [x] = node.inputs;
  if (x && axis === node.attributes.axis && isPlain(part, at(node.outputs[0].shape, axis))) {
    if (is(node, cut)) return [{ ...entriesOf(x, axis), runs: shifted(runs, node.attributes.start) }];
    if (is(node, Concat)) return rowsOfParts(node.inputs, axis, runs);
    const indices = lookedUp(node);
    if (indices && node.inputs[1]?.rank === 1) {
      const places = numbersIn(runs)?.map((place) => at(indices, place));
      return places && [{ ...entriesOf(x, axis), runs: merged(places) }];
    }
  }
  return whereFor(node, part)?.map((where) => where && { ...where, runs });
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
function rowsOfParts(parts: readonly Value[], axis: number, runs: Runs): Part[] | undefined {
  const found: Part[] = [];
  let start: Dim = 0;
  for (const value of parts) {
    const end = addDims(start, at(value.shape, axis));
    const own = within(runs, [start, end]);
    if (!own) return undefined;
    found.push({ ...entriesOf(value, axis), runs: own });
    start = end;
  }
  return found;
}

function whereFor(node: Node, lying: Lying): Where | undefined {
  const [y] = node.outputs;
  const [x, other] = node.inputs;
  const { axis } = lying;
  if (!x || node.outputs.length > 1) return undefined;
  const on = (own: number | undefined): Lying | undefined => (own === undefined ? undefined : { ...lying, axis: own });
  const first = (where: Lying | undefined): Where | undefined =>
    where && node.inputs.map((_, i) => (i === 0 ? where : undefined));
  const repeated = (inputs: Inputs): Where | undefined => aligned(inputs, y.shape, axis)?.map(on);
  if (node.operator.traits?.placewise) return repeated(node.inputs);
  if (is(node, MatMul)) {
    if (axis === y.rank - 1) return [undefined, on(at(node.inputs, 1).rank - 1)];
    if (axis === y.rank - 2) return [on(x.rank - 2), undefined];
    return repeated(node.inputs);
  }
  if (is(node, Transpose)) return first(on(at(node.attributes.perm, axis)));
  if (is(node, Reshape)) return first(keptApart(x.shape, y.shape, lying));
  if (is(node, Expand)) {
    const where = repeated([x]);
    return where && node.inputs.map((_, i) => where[i]);
  }
  if (is(node, cut)) return axis === node.attributes.axis ? undefined : first(lying);
  if (is(node, Concat)) return axis === node.attributes.axis ? undefined : node.inputs.map(() => lying);
  if (is(node, Gather)) {
    const [from, count] = [node.attributes.axis, other?.rank ?? 0];
    if (axis < from) return [lying, undefined];
    if (axis >= from + count) return [on(axis - count + 1), undefined];
    return constantOf(at(node.inputs, 1)) ? undefined : [undefined, on(axis - from)];
  }
  if (is(node, Standardize) || is(node, InverseDeviation))
    return node.attributes.axes.includes(axis) ? undefined : [lying];
  if (node.operator.family === "reduction") return first(on(behindSums(node, x, axis)));
  return throughParts(node, lying)?.where;
}

/** The axes of operands that are repeated by broadcasting. */
function aligned(inputs: Inputs, shape: Shape, axis: number): (number | undefined)[] | undefined {
  const axes: (number | undefined)[] = [];
  for (const value of inputs) {
    const own = value ? axis - shape.length + value.rank : -1;
    const dim = own < 0 ? 1 : value?.shape[own];
    if (dim !== shape[axis] && dim !== 1) return undefined;
    axes.push(dim === 1 ? undefined : own);
  }
  return axes;
}

/** Where the same rows lie in another shape of the same numbers. */
function keptApart(from: Shape, to: Shape, lying: Lying): Lying | undefined {
  if ([...from, ...to].includes(0)) return undefined;
  const { axis, of } = lying;
  const before = multiplyDims(sizeOf(to.slice(0, axis)), outerOf(lying, at(to, axis)));
  for (const [own, dim] of from.entries()) {
    const outer = divideDims(before, sizeOf(from.slice(0, own)));
    const inner = outer === undefined ? undefined : divideDims(dim, multiplyDims(outer, of));
    if (inner !== undefined) return { axis: own, of, inner };
  }
  return undefined;
}

/** The axis of what was summed, or of which the largest was taken. */
function behindSums({ attributes: { axes, keepdims } }: Node, x: Value, axis: number): number | undefined {
  if (!Array.isArray(axes) || typeof keepdims !== "boolean") return undefined;
  const left = x.shape.flatMap((_, i) => (axes.includes(i) ? (keepdims ? [-1] : []) : [i]));
  const own = left[axis];
  return own === undefined || own < 0 ? undefined : own;
}

/** How rows go through what a node is made of. */
interface Through {
  readonly where: Where;
  /** Where each part that has them has them; "whole" where each row needs all of it. */
  readonly along: ReadonlyMap<Value, Lying | "whole">;
}

const known = new WeakMap<Node, Map<string, Through | undefined>>();

function throughParts(node: Node, lying: Lying): Through | undefined {
  const all = known.get(node) ?? new Map<string, Through | undefined>();
  known.set(node, all);
  const key = `${lying.axis} ${lying.of} ${lying.inner}`;
  if (!all.has(key)) all.set(key, goneThrough(node, lying));
  return all.get(key);
}

/** Whether rows go through a node by what it is made of. */
const isMadeOfParts = (node: Node): boolean => known.has(node);

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

function goneThrough(node: Node, lying: Lying): Through | undefined {
  const parts = partsOf(node);
  if (!parts) return undefined;
  const along = new Map<Value, Lying | "whole">([[parts[0], lying]]);
  const fits = (value: Value, how: Lying | "whole"): boolean => {
    const before = along.get(value) ?? how;
    along.set(value, before);
    return before === how || (before !== "whole" && how !== "whole" && isSameLying(before, how));
  };
  for (const part of nodesOf(node, parts).reverse()) {
    const how = along.get(part.outputs[0]) ?? "whole";
    const where = how === "whole" ? part.inputs.map(() => undefined) : whereFor(part, how);
    if (!where || part.outputs.length > 1) return undefined;
    const agree = part.inputs.every((value, i) => !value || fits(value, where[i] ?? "whole"));
    if (!agree || !dependencies(part).every((value) => part.inputs.includes(value) || fits(value, "whole")))
      return undefined;
  }
  const where = node.inputs.map((value) => {
    const how = value ? along.get(value) : undefined;
    return how === "whole" ? undefined : how;
  });
  return { where, along };
}

/** Whether rows of two kinds lie along different axes in all that a node is made of. */
export function areApart(node: Node, a: Lying, b: Lying): boolean {
  if (!isMadeOfParts(node)) return true;
  const [one, other] = [throughParts(node, a)?.along, throughParts(node, b)?.along];
  return [...(one ?? [])].every(([value, how]) => {
    const also = other?.get(value);
    if (how === "whole" || !also || also === "whole") return true;
    return how.axis !== also.axis && (operandsOf(node).includes(value) || areApart(value.node, how, also));
  });
}

/**
 * Some rows of what a node makes.
 * @param inputs those rows of its inputs that it needs for them
 */
export function rowsMade(node: Node, rows: Rows, inputs: Inputs): Value {
  const { operator, attributes } = node;
  const shape = shapeOfRows(node.outputs[0].shape, rows);
  const [x] = inputs;
  if (x && is(node, Reshape)) return Reshape(x, shape);
  if (x && is(node, Expand)) return Expand(x, shape);
  return rows.size > 0 && isMadeOfParts(node)
    ? rowsOfWhole(node, rows, inputs)
    : apply(operator, inputs, attributes)[0];
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
      [...rows.values()].flatMap(({ runs, ...lying }) => {
        const how = throughParts(node, lying)?.along.get(y);
        return how && how !== "whole" ? [[how.axis, { ...how, runs }] as const] : [];
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
