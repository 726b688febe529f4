// Arrays that are written only when something reads them number by number: what is gathered and what is joined. Products look numbers up
// where they lie, so that the columns of a convolution are never written.
import { type DType, sizeOf } from "@innerloop/schemas/bundle";
import type { Known } from "./known.ts";
import { divisor, headOf, lastRun, nowhere, type Pieces, putPieces, sums, within } from "./pieces.ts";
import type { Step, Store } from "./steps.ts";
import { deepest, naturalStrides, placesOf, reshaped, type Shape, sliced, together, type Value } from "./views.ts";

/** Places `indices` of an axis. */
interface Gathered {
  readonly source: Value;
  readonly axis: number;
  readonly indices: readonly number[];
}

/** Arrays one after another along an axis. */
interface Joined {
  readonly parts: readonly Value[];
  readonly axis: number;
}

/** The numbers of an array in another shape, which would have to be copied. */
interface Shaped {
  readonly before: Value;
}

type Waiting = Gathered | Joined | Shaped;

/** What arrays are written with: a plan. */
interface Writing {
  readonly known: Known;
  room(shape: Shape, dtype: DType, depth: number): Value;
  step(depth: number, step: Step): void;
  real(value: Value): Value;
  written(value: Value): Value;
  copy(from: Value, to: Value): void;
}

export class Pending {
  readonly #plan: Writing;
  readonly #waiting = new WeakMap<Store, Waiting>();
  readonly #written = new WeakMap<Store, Store>();
  readonly #pieces = new WeakMap<Store, Pieces | "none">();
  readonly #before = new WeakMap<Store, Value>();
  readonly #zeros = new WeakMap<Store, boolean>();

  constructor(plan: Writing) {
    this.#plan = plan;
  }

  gathered(source: Value, axis: number, indices: readonly number[]): Value {
    const [first = 0, second = first] = indices;
    const even = indices.every((index, i) => index === first + i * (second - first));
    // What no run changes is only copied, which goes backwards as well as forwards.
    if (source.depth === 0 && even && second < first)
      return sliced(source, axis, first, indices.length, second - first);
    const shape = source.shape.with(axis, indices.length);
    return this.#later({ source, axis, indices }, shape, source.dtype, source.depth);
  }

  joined(parts: readonly Value[], axis: number): Value {
    const [first] = parts as [Value];
    const size = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    return this.#later({ parts, axis }, first.shape.with(axis, size), first.dtype, deepest(...parts));
  }

  /** A shape that the numbers do not lie in. */
  shaped(before: Value, shape: Shape): Value {
    const value = this.#later({ before }, shape, before.dtype, before.depth);
    this.#before.set(value.store, before);
    return value;
  }

  /** What an array was before it had another shape that its numbers do not lie in, if it is all of that. */
  before(value: Value): Value | undefined {
    const all = sizeOf(value.shape) === value.store.size && together(value);
    return all ? this.#before.get(value.store) : undefined;
  }

  /** What an array is joined from, if it is all of that and waits to be written. */
  partsOf(value: Value): Joined | undefined {
    const waiting = this.#waiting.get(value.store);
    return waiting && "parts" in waiting && sizeOf(value.shape) === value.store.size ? waiting : undefined;
  }

  /** Which places of which array an array is, if it is all of that and waits to be written. */
  gatheredFrom(value: Value): Gathered | undefined {
    const waiting = this.#waiting.get(value.store);
    const all = sizeOf(value.shape) === value.store.size && together(value);
    return waiting && "indices" in waiting && all && !this.#written.has(value.store) ? waiting : undefined;
  }

  #later(waiting: Waiting, shape: Shape, dtype: DType, depth: number): Value {
    const store = { size: sizeOf(shape), depth };
    this.#waiting.set(store, waiting);
    const value: Value = { store, offset: 0, shape, strides: naturalStrides(shape), dtype, depth };
    return depth === 0 ? this.real(value) : value;
  }

  /** A value whose numbers are there to be read, perhaps backwards. */
  real(value: Value): Value {
    const waiting = this.#waiting.get(value.store);
    if (!waiting) return value;
    const store = this.#written.get(value.store) ?? this.#write(value.store, waiting, value.dtype);
    this.#written.set(value.store, store);
    return { ...value, store };
  }

  /** Where the numbers of a store lie, if it has not been written and they lie in one that has. */
  piecesOf(store: Store): Pieces | undefined {
    const waiting = this.#waiting.get(store);
    if (!waiting || this.#written.has(store)) return undefined;
    const pieces = this.#pieces.get(store) ?? this.#find(store, waiting);
    this.#pieces.set(store, pieces);
    return pieces === "none" ? undefined : pieces;
  }

  #find(store: Store, waiting: Waiting): Pieces | "none" {
    if (store.size === 0 || "before" in waiting) return "none";
    if ("parts" in waiting) return this.#joinedPieces(store, waiting);
    const { source, axis, indices } = waiting;
    const along = source.strides[axis]!;
    const moved = new Int32Array(indices.length);
    for (let i = 0; i < indices.length; i++) moved[i] = indices[i]! * along;
    return this.#in(source, { examples: axis > 0, least: axis + 1 }, ({ offset, shape, strides }) => {
      const outer = placesOf({ offset, shape: shape.slice(0, axis), strides: strides.slice(0, axis) });
      const inner = placesOf({ offset: 0, shape: shape.slice(axis + 1), strides: strides.slice(axis + 1) });
      return sums(sums(outer, moved), inner);
    });
  }

  /**
   * Pieces at places of the store of a view, a place for each piece of its last axes that lie together, none before `least`.
   * @param examples whether the places of the first axis come one after another
   */
  #in(
    source: Value,
    { examples, least }: { readonly examples: boolean; readonly least: number },
    placesAlong: (view: Pick<Value, "offset" | "shape" | "strides">) => Int32Array,
  ): Pieces | "none" {
    const under = this.piecesOf(source.store);
    const { first, ...again } = examples ? headOf(source, under) : { first: source, times: 1, apart: 0 };
    const { view, run } = lastRun(first, least);
    const places = placesAlong(view);
    if (under) {
      const found = within(places, run, under);
      return found ? { ...found, ...again, from: under.from } : "none";
    }
    const from = this.#waiting.has(source.store) ? this.real({ ...source, offset: 0 }) : source;
    return { from, segment: run, table: places, ...again };
  }

  #joinedPieces(store: Store, { parts, axis }: Joined): Pieces | "none" {
    const found = parts.map((part) => {
      const width = sizeOf(part.shape.slice(axis));
      if (this.isZeros(part)) return { width };
      const pieces = this.#in(part, { examples: axis > 0, least: 0 }, placesOf);
      return { width, pieces };
    });
    const lists = found.flatMap(({ pieces }) => pieces ?? []);
    const [first] = lists;
    if (!first || lists.length > 1 || first === "none") return "none";
    const segment = found.reduce((least, { width }) => divisor(least, width), first.segment);
    const table = new Int32Array(store.size / first.times / segment).fill(nowhere);
    const whole = found.reduce((sum, { width }) => sum + width, 0);
    let start = 0;
    for (const { width, pieces } of found) {
      if (pieces && pieces !== "none")
        putPieces(table, pieces, segment, { start: start / segment, whole: whole / segment, each: width / segment });
      start += width;
    }
    return { ...first, segment, table };
  }

  /** Whether an array is known to be all zeros. */
  isZeros(value: Value): boolean {
    if (value.depth > 0) return false;
    const known = this.#zeros.get(value.store) ?? this.#plan.known.of(value.store).every((number) => number === 0);
    this.#zeros.set(value.store, known);
    return known;
  }

  #write(store: Store, waiting: Waiting, dtype: DType): Store {
    const plan = this.#plan;
    if ("before" in waiting) {
      const { before } = waiting;
      const out = plan.room(before.shape, dtype, store.depth);
      plan.copy(before, out);
      return out.store;
    }
    if ("parts" in waiting) {
      const { parts, axis } = waiting;
      const shape = parts[0]!.shape.with(
        axis,
        parts.reduce((sum, part) => sum + part.shape[axis]!, 0),
      );
      const out = plan.room(shape, dtype, store.depth);
      let start = 0;
      for (const part of parts) {
        const size = part.shape[axis]!;
        if (sizeOf(part.shape) > 0) plan.copy(part, sliced(out, axis, start, size));
        start += size;
      }
      return out.store;
    }
    const { source, axis, indices } = waiting;
    const out = plan.room(source.shape.with(axis, indices.length), dtype, store.depth);
    if (store.size === 0) return out.store;
    if (this.#spread(waiting, out)) return out.store;
    const grid = gridOf(indices);
    if (grid) {
      const even = { start: 0, sizes: grid.sizes, steps: naturalStrides(grid.sizes) };
      plan.copy(onGrid(plan.real(source), axis, grid), onGrid(out, axis, even));
      return out.store;
    }
    const [outer, limit, inner] = [
      sizeOf(source.shape.slice(0, axis)),
      source.shape[axis]!,
      sizeOf(source.shape.slice(axis + 1)),
    ];
    const as = (value: Value): Value | undefined => reshaped(value, [outer, limit, inner]);
    const real = plan.real(source);
    const seen = as(real);
    const from = seen && (inner === 1 || seen.strides[2] === 1) ? seen : as(plan.written(source))!;
    plan.step(store.depth, {
      ...{ kind: "rows", outer, count: indices.length, inner, limit },
      from: { store: from.store, offset: from.offset, strides: from.strides.slice(0, 2) },
      table: Int32Array.from(indices),
      out: { store: out.store, offset: 0, strides: [indices.length * inner, inner] },
    });
    return out.store;
  }

  /** Writes parts that are joined where another order of them has each, if that is a grid. */
  #spread({ source, axis, indices }: Gathered, out: Value): boolean {
    const joined = this.#waiting.get(source.store);
    if (!joined || !("parts" in joined) || this.#written.has(source.store) || joined.axis !== axis) return false;
    const size = source.shape[axis]!;
    const whole = joined.parts[0]!.shape.with(axis, size).join() === source.shape.join();
    const to = new Map(indices.map((index, place) => [index, place]));
    if (!whole || !together(source) || source.store.size !== out.store.size || to.size !== size) return false;
    let next = 0;
    const grids = joined.parts.map(({ shape }) => gridOf(Array.from({ length: shape[axis]! }, () => to.get(next++)!)));
    if (grids.includes(undefined)) return false;
    for (const [i, part] of joined.parts.entries()) {
      const { sizes } = grids[i]!;
      const even = { start: 0, sizes, steps: naturalStrides(sizes) };
      this.#plan.copy(onGrid(part, axis, even), onGrid(out, axis, grids[i]!));
    }
    return true;
  }
}

interface Grid {
  readonly start: number;
  readonly sizes: Shape;
  readonly steps: Shape;
}

/** Places of an axis as axes of their own. */
const onGrid = (view: Value, axis: number, { start, sizes, steps }: Grid): Value => {
  const along = view.strides[axis]!;
  return {
    ...view,
    offset: view.offset + start * along,
    shape: view.shape.toSpliced(axis, 1, ...sizes),
    strides: view.strides.toSpliced(axis, 1, ...steps.map((step) => step * along)),
  };
};

/** Indices as places of up to three axes, each of which goes on by a step of its own; nothing, where they are none. */
export function gridOf(indices: readonly number[]): Grid | undefined {
  const [start = 0] = indices;
  const [sizes, steps]: [number[], number[]] = [[], []];
  let covered = 1;
  while (covered < indices.length) {
    const step = indices[covered]! - start;
    let size = 1;
    const goesOn = (): boolean => {
      const at = size * covered;
      if (at + covered > indices.length) return false;
      for (let i = 0; i < covered; i++) if (indices[at + i] !== indices[i]! + size * step) return false;
      return true;
    };
    while (goesOn()) size++;
    if (size === 1 || sizes.length === 3) return undefined;
    sizes.unshift(size);
    steps.unshift(step);
    covered *= size;
  }
  return covered === indices.length ? { start, sizes, steps } : undefined;
}
