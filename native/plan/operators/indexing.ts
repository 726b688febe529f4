// Numbers by their places: what is known beforehand is read where it lies, what runs compute is looked up.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Code } from "../formula.ts";
import { type Compute, mostExact, type Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import type { Access, Operand, Scatter } from "../steps.ts";
import {
  accessOf,
  at,
  axisOf,
  deepest,
  expanded,
  naturalStrides,
  reshaped,
  sliced,
  type Value,
  withOnes,
} from "../views.ts";
import { broughtBack, largestBy } from "./channelwise.ts";
import { rowwise } from "./norms.ts";
import { computed, each, intOf, present, shapedAs, textOf } from "./parts.ts";
import { reduce } from "./reductions.ts";

/** Places of an axis by known numbers, which count from the end below zero. */
function counted(numbers: readonly number[], size: number): number[] {
  const places = numbers.slice();
  for (let i = 0; i < places.length; i++) {
    if (places[i]! < 0) places[i]! += size;
    if (!(places[i]! >= 0 && places[i]! < size)) throw refused("a place beyond the end of an axis");
  }
  return places;
}

/** Known places of an axis: what goes on evenly is a view. */
function placesAlong(plan: Plan, value: Value, axis: number, places: readonly number[]): Value {
  const [first = 0, second = first] = places;
  const step = second - first;
  const even = step >= 0 && places.every((place, i) => place === first + i * step);
  if (!even || places.length === 0) return plan.pending.gathered(value, axis, places);
  return step === 0
    ? expanded(sliced(value, axis, first, 1), value.shape.with(axis, places.length))
    : sliced(value, axis, first, places.length, step);
}

/** Rows along an axis, by places that runs compute: one for each of `indices`. */
function looked(plan: Plan, value: Value, axis: number, indices: Value): Value {
  const { shape } = value;
  const [outer, limit, inner] = [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))];
  const count = sizeOf(indices.shape);
  const out = plan.room(shape.toSpliced(axis, 1, ...indices.shape), value.dtype, deepest(value, indices));
  const seen = reshaped(plan.real(value), [outer, limit, inner]);
  const from =
    seen && (inner === 1 || seen.strides[2] === 1) ? seen : reshaped(plan.written(value), [outer, limit, inner])!;
  const list = shapedAs(plan, plan.real(indices), [count]);
  plan.step(out.depth, {
    ...{ kind: "rows", outer, count, inner, limit },
    from: { ...accessOf(from), strides: from.strides.slice(0, 2) },
    indices: accessOf(list),
    out: { ...accessOf(out), strides: [count * inner, inner] },
  });
  return out;
}

const gather: Compute = (plan, [x, indices], node) => {
  const [value, places] = [present(x, node), present(indices, node)];
  const axis = axisOf(intOf(node, "axis", 0), value.shape.length);
  if (places.depth > 0) return [looked(plan, value, axis, places)];
  const list = counted(plan.numbers(places), value.shape[axis]!);
  if (places.shape.length === 0) return [at(value, axis, list[0]!)];
  const out = placesAlong(plan, value, axis, list);
  return [places.shape.length === 1 ? out : shapedAs(plan, out, value.shape.toSpliced(axis, 1, ...places.shape))];
};

/** Sums of places times distances: where a number lies among all of an array, from its place along each of some axes. */
function flatPlaces(
  plan: Plan,
  axes: readonly { readonly place: Value; readonly size: number; readonly apart: number }[],
): Value {
  const places = axes.map(({ place }) => place);
  if (sizeOf(axes.map(({ size }) => size)) > mostExact) throw refused("places of an array that are not held exactly");
  return computed(plan, places, "int64", (code, ...registers) =>
    registers
      .map((place, i): Operand => code.call("multiply", fromBegin(code, place, axes[i]!.size), axes[i]!.apart))
      .reduce((sum, term) => code.call("add", sum, term)),
  );
}

/** A place that counts from the end below zero. */
const fromBegin = (code: Code, place: Operand, size: number): Operand =>
  code.call("where", code.call("less", place, 0), code.call("add", place, size), place);

/** All numbers of an array by their places, whose last axes are one. */
function gatherFlat(plan: Plan, value: Value, rows: number, places: Value): Value {
  const inner = sizeOf(value.shape) / rows;
  const flat = shapedAs(plan, value, [rows, inner]);
  if (places.depth > 0) return looked(plan, flat, 0, places);
  const out = plan.pending.gathered(flat, 0, counted(plan.numbers(places), rows));
  return shapedAs(plan, out, [...places.shape, inner]);
}

const gatherElements: Compute = (plan, [x, indices], node) => {
  const [value, places] = [present(x, node), present(indices, node)];
  const axis = axisOf(intOf(node, "axis", 0), value.shape.length);
  const strides = naturalStrides(value.shape);
  const others = places.shape.map((size, along) => ({
    place: along === axis ? places : alongAxis(plan, size, along, places.shape.length),
    ...{ size: value.shape[along]!, apart: strides[along]! },
  }));
  return [shapedAs(plan, gatherFlat(plan, value, sizeOf(value.shape), flatPlaces(plan, others)), places.shape)];
};

/** 0, 1, 2, … along an axis, to be repeated along the others. */
function alongAxis(plan: Plan, size: number, axis: number, rank: number): Value {
  const shape = Array.from({ length: rank }, (_, i) => (i === axis ? size : 1));
  return plan.constant(
    Float32Array.from({ length: size }, (_, i) => i),
    shape,
    "int64",
  );
}

/** Where tuples of places along the first axes lie, and how many there are. */
function tuples(plan: Plan, value: Value, indices: Value, batch: number) {
  const length = indices.shape.at(-1)!;
  const sizes = value.shape.slice(0, batch + length);
  const apart = naturalStrides(sizes);
  const rank = indices.shape.length - 1;
  const axes = sizes.map((size, axis) => ({
    place: axis < batch ? alongAxis(plan, size, axis, rank) : at(indices, rank, axis - batch),
    ...{ size, apart: apart[axis]! },
  }));
  return { rows: sizeOf(sizes), places: flatPlaces(plan, axes), rest: value.shape.slice(batch + length) };
}

const gatherND: Compute = (plan, [x, indices], node) => {
  const [value, places] = [present(x, node), present(indices, node)];
  const { rows, places: flat, rest } = tuples(plan, value, places, intOf(node, "batch_dims", 0));
  return [shapedAs(plan, gatherFlat(plan, value, rows, flat), [...places.shape.slice(0, -1), ...rest])];
};

/** What a scatter does with what comes to a place, by the standard's name for it. */
const hows: Readonly<Record<string, Scatter["how"]>> = { none: "set", add: "sum", max: "max", min: "min" };

/** Rows of an array with others in their places, or joined to them. */
function scattered(plan: Plan, value: Value, rows: number, places: Value, updates: Value, how: string): Value {
  const inner = sizeOf(value.shape) / rows;
  const list = places.depth > 0 ? undefined : counted(plan.numbers(places), rows);
  const count = sizeOf(places.shape);
  const [data, others] = [shapedAs(plan, value, [rows, inner]), shapedAs(plan, updates, [count, inner])];
  const sources = new Map(list?.map((place, i) => [place, i]));
  const once = sources.size === list?.length;
  if (once && how === "add") {
    const zeros = expanded(plan.constant([0], [1, 1]), [1, inner]);
    const order = Array.from({ length: rows }, (_, row) => sources.get(row) ?? count);
    const spread = plan.pending.gathered(plan.pending.joined([others, zeros], 0), 0, order);
    return computed(plan, [data, spread], value.dtype, (code, p, q) => code.call("add", p!, q!));
  }
  if (list && how === "none") {
    const order = Array.from({ length: rows }, (_, row) => {
      const source = sources.get(row);
      return source === undefined ? row : rows + source;
    });
    return plan.pending.gathered(plan.pending.joined([data, others], 0), 0, order);
  }
  return takenIn(plan, data, list ?? places, others, hows[how]);
}

/** [rows, inner], each of `others` taken into the row that its place says, one after another. */
function takenIn(
  plan: Plan,
  data: Value,
  places: Value | readonly number[],
  others: Value,
  how: Scatter["how"] | undefined,
): Value {
  if (!how) throw refused("a scatter of products");
  const [limit = 0, inner = 0] = data.shape;
  const [count = 0] = others.shape;
  const indices = "store" in places ? shapedAs(plan, plan.real(places), [count]) : undefined;
  const told = indices ? { indices: accessOf(indices) } : { table: Int32Array.from(places as readonly number[]) };
  const out = plan.room(data.shape, data.dtype, deepest(data, others, indices));
  plan.step(out.depth, {
    ...{ kind: "scatter", how, count, inner, limit, from: rowsOf(plan, others), out: firstOf(out) },
    ...(plan.pending.isZeros(data) ? {} : { base: rowsOf(plan, data) }),
    ...told,
  });
  return out;
}

/** Rows of a matrix, the numbers of each together. */
function rowsOf(plan: Plan, matrix: Value): Access {
  const real = plan.real(matrix);
  return firstOf(real.shape[1] === 1 || real.strides[1] === 1 ? real : plan.written(matrix));
}

const firstOf = ({ store, offset, strides }: Value): Access => ({ store, offset, strides: strides.slice(0, 1) });

const scatterND: Compute = (plan, [x, indices, updates], node) => {
  const [value, places, others] = [present(x, node), present(indices, node), present(updates, node)];
  const { rows, places: flat } = tuples(plan, value, places, 0);
  return [shapedAs(plan, scattered(plan, value, rows, flat, others, textOf(node, "reduction", "none")), value.shape)];
};

const scatterElements: Compute = (plan, [x, indices, updates], node) => {
  const [value, places, others] = [present(x, node), present(indices, node), present(updates, node)];
  const axis = axisOf(intOf(node, "axis", 0), value.shape.length);
  const found = largestBy(plan, places, value);
  if (found && textOf(node, "reduction", "none") === "add") {
    const { shape } = found.where;
    const before = plan.pending.before(others);
    const numbers = before?.shape.join() === shape.join() ? before : shapedAs(plan, others, shape);
    return [plan.pending.shaped(broughtBack(plan, found, numbers), value.shape)];
  }
  const strides = naturalStrides(value.shape);
  const axes = places.shape.map((size, along) => ({
    place: along === axis ? places : alongAxis(plan, size, along, places.shape.length),
    ...{ size: value.shape[along]!, apart: strides[along]! },
  }));
  const flat = flatPlaces(plan, axes);
  const out = scattered(plan, value, sizeOf(value.shape), flat, others, textOf(node, "reduction", "none"));
  return [shapedAs(plan, out, value.shape)];
};

const oneHot: Compute = (plan, [x, depth, values], node) => {
  const [places, pair] = [present(x, node), present(values, node)];
  const [count = 0] = plan.numbers(present(depth, node));
  const rank = places.shape.length + 1;
  const axis = axisOf(intOf(node, "axis", -1), rank);
  const [off, on] = [0, 1].map((i) => at(pair, 0, i)) as [Value, Value];
  const spread = withOnes(places, [axis]);
  return [
    computed(plan, [spread, alongAxis(plan, count, axis, rank), off, on], pair.dtype, (code, place, along, no, yes) =>
      code.call("where", code.call("equal", fromBegin(code, place!, count), along!), yes!, no!),
    ),
  ];
};

/** Largest numbers that are looked for one after another, at most: each takes two walks over all. */
const mostLargest = 32;

/** The largest numbers of each row, each time among those that come after the one before: smaller ones, and such as it further on. */
const topK: Compute = (plan, [x, k], node) => {
  const value = present(x, node);
  const axis = axisOf(intOf(node, "axis", -1), value.shape.length);
  const size = value.shape[axis]!;
  const [count = 0] = plan.numbers(present(k, node));
  if (!(count >= 1 && count <= Math.min(size, mostLargest))) throw refused(`TopK of ${count}`);
  const most = intOf(node, "largest", 1) === 1;
  if (count === 1) {
    const signed = most ? value : each(plan, "negative", [value]);
    return [reduce(plan, [value], [axis], most ? "max" : "min"), rowwise(plan, signed, axis, "argmax")];
  }
  const [how, beyond, nothing] = most
    ? (["max", "less", Number.NEGATIVE_INFINITY] as const)
    : (["min", "greater", Number.POSITIVE_INFINITY] as const);
  const [along, whole] = [alongAxis(plan, size, axis, value.shape.length), { dtype: "int64" } as const];
  const found: [Value, Value][] = [];
  for (let i = 0; i < count; i++) {
    const before = found.at(-1);
    const after = (code: Code, number: Operand, place: Operand, last: Operand, at: Operand): Operand => {
      const alike = code.call("multiply", code.call("equal", number, last), code.call("greater", place, at));
      return code.call("maximum", code.call(beyond, number, last), alike);
    };
    const left = before
      ? computed(plan, [value, along, ...before], value.dtype, (code, number, place, last, at) =>
          code.call("where", after(code, number!, place!, last!, at!), number!, nothing),
        )
      : value;
    const next = reduce(plan, [left], [axis], how);
    const places = computed(plan, [value, along, next, ...(before ?? [])], whole.dtype, (code, ...all) => {
      const [number, place, largest, last, at] = all as [Operand, Operand, Operand, Operand?, Operand?];
      const same = code.call("equal", number, largest);
      const fits = last !== undefined && at !== undefined ? after(code, number, place, last, at) : 1;
      return code.call("where", code.call("multiply", same, fits), place, size - 1);
    });
    found.push([next, reduce(plan, [places], [axis], "min")]);
  }
  return [0, 1].map((which) =>
    plan.pending.joined(
      found.map((pair) => pair[which]!),
      axis,
    ),
  );
};

export const indexing: Readonly<Record<string, Compute>> = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  OneHot: oneHot,
  TopK: topK,
};
