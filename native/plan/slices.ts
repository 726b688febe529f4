// What turns take of arrays, a slice each. Where arrays are computed number by number of fewer others, turns compute their slices of slices of those: what is
// between is neither written nor read.
import { sizeOf } from "@innerloop/schemas/bundle";
import { type Defined, definitionOf } from "./definitions.ts";
import { computed } from "./operators/parts.ts";
import type { Plan } from "./plan.ts";
import type { Store } from "./steps.ts";
import { accessOf, at, expanded, permuted, together, type Value } from "./views.ts";

/** An array of which turns take the places of an axis one after another. */
export interface Fed {
  readonly value: Value;
  readonly axis: number;
  /** From the last place on. */
  readonly back: boolean;
}

export interface Turning {
  readonly turn: Value;
  readonly depth: number;
}

/** Arrays that slices are computed through at most, and numbers that are taken along with one that is needed. */
const mostArrays = 64;
const mostAlong = 4;

/** The slices of arrays in a turn. */
export function slices(plan: Plan, fed: readonly Fed[], turning: Turning): Value[] {
  const slicing = new Slicing(plan, turning);
  const pays = slicing.pays(fed);
  return fed.map((each) => (pays ? slicing.computed(each) : slice(plan, each, turning)));
}

class Slicing {
  readonly #plan: Plan;
  readonly #turning: Turning;
  readonly #numbers = new Map<Store, number>();
  readonly #made = new Map<string, Value>();

  constructor(plan: Plan, turning: Turning) {
    this.#plan = plan;
    this.#turning = turning;
  }

  /** Whether turns have to take half as many slices or fewer to compute the others. */
  pays(fed: readonly Fed[]): boolean {
    const [seen, taken] = [new Set<string>(), new Set<string>()];
    const look = (one: Fed): void => {
      const name = this.#nameOf(one);
      if (isStill(one) || seen.has(name) || seen.size > mostArrays) return;
      seen.add(name);
      const operands = operandsOf(one.value);
      if (operands) for (const value of operands) look({ ...one, value });
      else taken.add(this.#nameOf(one, partOf(one)));
    };
    for (const one of fed) look(one);
    return seen.size <= mostArrays && 2 * taken.size <= fed.length;
  }

  computed(one: Fed): Value {
    if (isStill(one)) return one.value.shape.length > 0 ? at(one.value, one.axis, 0) : one.value;
    const name = this.#nameOf(one);
    const made = this.#made.get(name) ?? this.#compute(one);
    this.#made.set(name, made);
    return made;
  }

  #compute(one: Fed): Value {
    const { value } = one;
    const operands = operandsOf(value)?.map((operand) => this.computed({ ...one, value: operand }));
    if (operands) return computed(this.#plan, operands, value.dtype, definitionOf(value.store)!.formula);
    const part = partOf(one);
    if (!part) return slice(this.#plan, one, this.#turning);
    const name = this.#nameOf(one, part);
    const taken = this.#made.get(name) ?? slice(this.#plan, { ...one, value: part, axis: 0 }, this.#turning);
    this.#made.set(name, taken);
    const { shape, strides } = at(value, one.axis, 0);
    return { ...taken, offset: taken.offset + value.offset - part.offset, shape, strides, dtype: value.dtype };
  }

  #nameOf({ value, axis, back }: Fed, { store, offset, shape, strides } = value): string {
    const number = this.#numbers.get(store) ?? this.#numbers.size;
    this.#numbers.set(store, number);
    return [number, offset, shape, strides, axis, back].join(";");
  }
}

/** Whether each turn takes the same. */
const isStill = ({ value: { shape, strides }, axis }: Fed): boolean =>
  shape.length === 0 || shape[axis]! <= 1 || strides[axis] === 0;

/** What an array is computed of, each the part that goes with the array's own. */
function operandsOf(value: Value): Value[] | undefined {
  const defined = definitionOf(value.store);
  const starts = defined && startsIn(defined, value);
  return starts?.length === 0
    ? undefined
    : starts &&
        defined!.operands.map((operand) => {
          if (operand.depth === 0 && sizeOf(operand.shape) === 1) return { ...operand, shape: [], strides: [] };
          const whole = expanded(operand, defined!.out.shape);
          const offset = starts.reduce((sum, start, axis) => sum + start * whole.strides[axis]!, whole.offset);
          return { ...whole, offset, shape: value.shape };
        });
}

/** Where an array begins along the axes of one that it is a part of. */
function startsIn({ out }: Defined, value: Value): number[] | undefined {
  if (out.shape.length !== value.shape.length || !together(out)) return undefined;
  let rest = value.offset - out.offset;
  const starts: number[] = [];
  for (const [axis, size] of value.shape.entries()) {
    const stride = out.strides[axis]!;
    const start = Math.floor(rest / stride);
    if ((size > 1 && value.strides[axis] !== stride) || start < 0 || start + size > out.shape[axis]!) return undefined;
    rest -= start * stride;
    starts.push(start);
  }
  return rest === 0 ? starts : undefined;
}

/** The numbers from one turn's slice to the next one's, [turns, numbers], if the slice is among them and most of them. */
function partOf({ value, axis }: Fed): Value | undefined {
  const [stride, count] = [value.strides[axis]!, value.shape[axis]!];
  const { shape, strides } = at(value, axis, 0);
  const begin = Math.floor(value.offset / stride) * stride;
  const reach = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, value.offset - begin);
  const fits =
    stride > 0 && strides.every((each) => each >= 0) && reach < stride && begin + count * stride <= value.store.size;
  if (!fits || stride > mostAlong * sizeOf(shape)) return undefined;
  return { ...value, offset: begin, shape: [count, stride], strides: [stride, 1] };
}

/** The part of an array that a turn sees. */
function slice(plan: Plan, { value, axis, back }: Fed, { turn, depth }: Turning): Value {
  const real = plan.real(value);
  const count = value.shape[axis]!;
  const first = at(real, axis, 0);
  if (count <= 1 || real.strides[axis] === 0) return first;
  const lies = together(first) ? real : plan.written(permuted(real, firstly(axis, value.shape.length)));
  const along = together(first) ? axis : 0;
  const step = lies.strides[along]!;
  const part = plan.room(first.shape, value.dtype, depth);
  plan.step(depth, {
    ...{ kind: "move", size: part.store.size, from: accessOf(at(lies, along, back ? count - 1 : 0)) },
    ...{ fromStep: back ? -step : step, to: accessOf(part), toStep: 0, turn: turn.store },
  });
  return part;
}

/** All axes, this one first. */
function firstly(axis: number, rank: number): number[] {
  return [axis, ...Array.from({ length: rank }, (_, other) => other).filter((other) => other !== axis)];
}
