// Only those rows are computed that are read. Where a classifier reads one token of a transformer, the last layer needs keys and values of
// all tokens, and everything else of one; so do its derivatives, where this is done before they are taken.
import { leftOut } from "../compile/switches.ts";
import { constant, constantOf } from "../core/build.ts";
import { multiplyDims } from "../core/dims.ts";
import { isTold } from "../core/fresh.ts";
import { at } from "../core/lists.ts";
import { likelySize } from "../core/shapes.ts";
import { is, type Node, type Value } from "../core/value.ts";
import { dependencies, topological } from "../core/walk.ts";
import { Gather } from "../ops/internal/gathering.ts";
import { cut } from "../ops/internal/slicing.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";
import { flopsOf, type Sizing } from "./arithmetic.ts";
import { fewQueries } from "./few-queries.ts";
import { rewrite } from "./rewrite.ts";
import {
  allRows,
  areApart,
  cutOut,
  isPlain,
  isSameLying,
  lookedUp,
  numbersIn,
  outerOf,
  type Part,
  type Rows,
  rowsFor,
  rowsMade,
  shapeOfRows,
} from "./row-rules.ts";
import { joined, lengthOf, placeOf, type Run, type Runs } from "./runs.ts";

/** By which it is left out. */
export const rowsName = "rows";

/**
 * The same values, where of what is read in part alone those rows are computed that something reads.
 * @param leaves values that stay as they are, and that nothing behind is looked at
 */
export function neededRows(outputs: readonly Value[], leaves: ReadonlySet<Value> = new Set()): readonly Value[] {
  if (leftOut().includes(rowsName)) return outputs;
  let now = outputs;
  for (let pass = 0; pass < mostPasses; pass++) {
    const next = fewQueries(onlyRead(now, leaves), leaves);
    if (next.every((value, i) => value === now[i])) return now;
    now = next;
  }
  return now;
}

/** Rows of two kinds along one axis go one after another. */
const mostPasses = 4;

function onlyRead(outputs: readonly Value[], leaves: ReadonlySet<Value>): readonly Value[] {
  const order = topological(outputs, leaves);
  if (!order.some(leavesRows)) return outputs;
  const read = rowsRead(order, outputs, leaves);
  const rowsOf = (value: Value | undefined): Rows => (value && read.get(value)) ?? allRows;
  return rewrite(
    outputs,
    (node, _inputs, _attributes, now) => {
      const [y] = node.outputs;
      if (node.outputs.length > 1) return undefined;
      const rows = read.get(y);
      // What nothing reads any more is not built anew.
      if (!rows || isNothing(rows)) return node.outputs;
      const wanted = wantedBy(node, rows);
      const areWhole = node.inputs.every((value) => rowsOf(value).size === 0);
      if (areWhole && !(rows.size > 0 && pays(node, rows, wanted))) {
        read.set(y, allRows);
        return undefined;
      }
      const take = (i: number, own = wanted[i] ?? allRows): Value | undefined => {
        const value = node.inputs[i];
        return value && !isNothing(own) ? rowsTaken(now(value), own, rowsOf(value)) : undefined;
      };
      return [madeOf(node, rows, take, wanted[0] ?? allRows)];
    },
    new Map([...leaves].map((value) => [value, value])),
  );
}

/** Whether a node is where something is read in part that is worth looking at. */
function leavesRows(node: Node): boolean {
  const part = cutOut(node);
  const [x] = node.inputs;
  return part !== undefined && x !== undefined && x.node.inputs.length > 0 && areFew(part);
}

/** Whether rows are half of all or less: of more, less is saved than it costs to put what is read beside the rest. */
function areFew({ runs, of }: Part): boolean {
  const length = lengthOf(runs);
  return typeof length === "number" && !isTold(of) && 2 * length <= likelySize([of]);
}

const isNothing = (rows: Rows): boolean => [...rows.values()].some(({ runs }) => runs.length === 0);

/** What of each value is read, from the outputs back; no entry where nothing is. */
function rowsRead(order: readonly Node[], outputs: readonly Value[], leaves: ReadonlySet<Value>): Map<Value, Rows> {
  const read = new Map<Value, Rows>();
  const add = (value: Value, rows: Rows): void => {
    if (leaves.has(value)) return;
    const before = read.get(value);
    read.set(value, before ? either(before, rows) : rows);
  };
  for (const value of outputs) add(value, allRows);
  for (const node of [...order].reverse()) {
    const [y] = node.outputs;
    const asked = node.outputs.length > 1 ? allRows : read.get(y);
    if (!asked) continue;
    const rows = possible(node, asked);
    for (const value of node.outputs) if (!leaves.has(value)) read.set(value, rows);
    if (isNothing(rows)) continue;
    const wanted = wantedBy(node, rows);
    node.inputs.forEach((value, i) => {
      if (value) add(value, wanted[i] ?? allRows);
    });
    for (const value of dependencies(node)) if (!node.inputs.includes(value)) add(value, allRows);
  }
  return read;
}

/** What one of two reads. */
function either(a: Rows, b: Rows): Rows {
  if (a.size === 0 || b.size === 0) return allRows;
  // An empty run of one axis is nothing at all.
  if (isNothing(a)) return b;
  if (isNothing(b)) return a;
  const both = [...a].flatMap(([axis, part]): [number, Part][] => {
    const other = b.get(axis);
    const runs = other && isSameLying(part, other) ? joined(part.runs, other.runs) : undefined;
    return runs ? [[axis, runs === part.runs ? part : { ...part, runs }]] : [];
  });
  return new Map(both);
}

/** What of that which is asked for can be computed alone, and is less. */
function possible(node: Node, asked: Rows): Rows {
  if (asked.size === 0) return allRows;
  const kept = new Map<number, Part>();
  const places = new Set<string>();
  for (const [axis, part] of asked) {
    const needed = part.runs.length === 0 ? [] : areFew(part) ? rowsFor(node, part) : undefined;
    const own = needed?.flatMap((each, i) => (each ? [`${i} ${each.axis}`] : []));
    // Rows of two kinds along one axis are not told apart.
    if (!own || own.some((place) => places.has(place))) continue;
    if (![...kept.values()].every((other) => areApart(node, part, other))) continue;
    for (const place of own) places.add(place);
    kept.set(axis, part);
  }
  return kept.size > 0 ? kept : allRows;
}

/** What a node reads of its inputs for some rows of its output. */
function wantedBy(node: Node, rows: Rows): readonly Rows[] {
  const found = node.inputs.map(() => new Map<number, Part>());
  const whole = cutOut(node);
  if (whole) found[0]?.set(whole.axis, whole);
  for (const part of rows.values())
    rowsFor(node, part)?.forEach((own, i) => {
      if (own) found[i]?.set(own.axis, own);
    });
  return found;
}

/** Rows of a value out of those of it that are there. */
const rowsTaken = (value: Value, wanted: Rows, there: Rows): Value =>
  [...wanted.values()].reduce((rest, part) => partTaken(rest, part, there.get(part.axis)), value);

/** Rows that lie along an axis one after another, of those that are there. */
function partTaken(value: Value, part: Part, there: Part | undefined): Value {
  const { axis, inner } = part;
  const size = at(value.shape, axis);
  const all = there ? lengthOf(there.runs) : part.of;
  if (isPlain({ ...part, of: all }, size)) return runsTaken(value, axis, part.runs, there?.runs);
  const [before, after] = [value.shape.slice(0, axis), value.shape.slice(axis + 1)];
  const outer = outerOf({ ...part, of: all }, size);
  const apart = Reshape(value, [...before, outer, all, inner, ...after]);
  const taken = runsTaken(apart, axis + 1, part.runs, there?.runs);
  return Reshape(taken, [...before, multiplyDims(multiplyDims(outer, at(taken.shape, axis + 1)), inner), ...after]);
}

/** Runs of an axis one after another, of the rows that are there. */
function runsTaken(value: Value, axis: number, runs: Runs, there: Runs | undefined): Value {
  if (runs === there) return value;
  const places: Run[] = [];
  for (const run of runs) {
    const place = there ? placeOf(run, there) : run;
    const last = places.at(-1);
    if (last && last[1] === place[0]) places[places.length - 1] = [last[0], place[1]];
    else places.push(place);
  }
  const [first] = places;
  if (first && places.length === 1) return cut(value, axis, ...first);
  const numbers = places.flatMap(([start, end]) =>
    typeof start === "number" && typeof end === "number" ? [[start, end] as const] : [],
  );
  if (numbers.length < places.length)
    return Concat(
      places.map((place) => cut(value, axis, ...place)),
      axis,
    );
  const indices = numbers.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i));
  return Gather(value, constant(indices, undefined, "int64"), axis);
}

/** Some rows of what a node makes. @param take rows of an input, those that the node needs for them unless others are given */
function madeOf(node: Node, rows: Rows, take: (i: number, rows?: Rows) => Value | undefined, wanted: Rows): Value {
  if (is(node, cut)) {
    const value = take(0);
    // What takes nothing of an axis reads no part of it (cutOut): it stays.
    return value && !cutOut(node) ? cut(value, node.attributes.axis, 0, 0) : (value ?? node.outputs[0]);
  }
  if (is(node, Concat)) {
    const parts = node.inputs.flatMap((_, i) => take(i) ?? []);
    return Concat(parts, node.attributes.axis);
  }
  const indices = lookedUp(node);
  if (is(node, Gather) && indices && wanted.has(node.attributes.axis)) {
    const { axis } = node.attributes;
    // In their order, and as often as they are there.
    const chosen = node.inputs[1].rank === 1 ? rows.get(axis) : undefined;
    const runs = (chosen && numbersIn(chosen.runs)?.map((place) => at(indices, place))) ?? indices;
    const value = take(0, new Map([...wanted, [axis, { axis, of: at(node.inputs[0].shape, axis), inner: 1, runs }]]));
    if (value) return Reshape(value, shapeOfRows(node.outputs[0].shape, rows));
  }
  return rowsMade(
    node,
    rows,
    node.inputs.map((_, i) => take(i)),
  );
}

/** What sizes are taken to be. */
const sizing: Sizing = { known: (dim) => likelySize([dim]), turns: () => undefined };

/** So many numbers are copied in the time that a node takes, and so many operations of a product take the time of one. */
const [copied, multiplied] = [4096, 64];

/** The numbers that could be copied while a node runs. */
function workOf(node: Node): number {
  if (is(node, Reshape)) return 0;
  const numbers = likelySize(node.outputs[0].shape);
  if (node.operator.family === "movement") return numbers;
  const flops = flopsOf(node, sizing);
  return is(node, MatMul) ? numbers + flops / multiplied : Math.max(numbers, flops);
}

/** How many nodes it takes to cut rows out, and out of these again. */
const nodesFor = (rows: Rows): number =>
  [...rows.values()].reduce(
    (sum, { runs }) => sum + (runs.length === 1 ? 1 : numbersIn(runs) ? 2 : runs.length + 1),
    0,
  );

/** Whether it is less to cut what a node reads, all of which is there, and compute some rows, than to compute all and cut these. */
function pays(node: Node, rows: Rows, wanted: readonly Rows[]): boolean {
  const [{ shape }] = node.outputs;
  const part = likelySize(shapeOfRows(shape, rows));
  const cuts = node.inputs.flatMap((value, i) => {
    const own = wanted[i] ?? allRows;
    return value && own.size > 0 && !isNothing(own) && !constantOf(value)
      ? [likelySize(shapeOfRows(value.shape, own)) + copied * nodesFor(own)]
      : [];
  });
  const work = workOf(node);
  const alone = (work * part) / Math.max(1, likelySize(shape)) + cuts.reduce((sum, cost) => sum + cost, 0);
  return alone < work + part + copied;
}
