// What steps of a recurrent network have computed of what they remember: a gradient multiplies all of that by the same weights once more.
import { sizeOf } from "@innerloop/schemas";
import type { Plan } from "../plan.ts";
import { permuted, reshaped, together, type Value } from "../views.ts";

interface Remembered {
  /** What the first step begins with, and what each gives, [steps, batch, size]. */
  readonly begun: Value;
  readonly given: Value;
  /** [columns, size] */
  readonly weights: Value;
  /** What each step had before it, times the weights turned around: [steps, batch, columns] */
  readonly product: Value;
}

const all = new WeakMap<Plan, Remembered[]>();

export function remember(plan: Plan, one: Remembered): void {
  all.set(plan, [...(all.get(plan) ?? []), one]);
}

/** The product of two arrays, where steps have computed it. */
export function remembered(plan: Plan, left: Value, right: Value): Value | undefined {
  const joined = all.has(plan) && left.shape.length === 3 && together(left) ? plan.pending.partsOf(left) : undefined;
  if (joined?.axis !== 0 || joined.parts.length !== 2 || right.shape.length !== 2) return undefined;
  const [first, others] = joined.parts as readonly [Value, Value];
  const found = all.get(plan)!.find(({ begun, given, weights }) => {
    const before = others.store === given.store && others.offset === given.offset && together(others);
    const whole = left.shape.every((size, axis) => size === given.shape[axis]) && first.shape[0] === 1;
    return before && whole && isSame(plan, first, begun) && lieAlike(right, permuted(weights, [1, 0]));
  });
  return found?.product;
}

const lieAlike = (a: Value, b: Value): boolean =>
  a.store === b.store &&
  a.offset === b.offset &&
  a.shape.join() === b.shape.join() &&
  a.strides.join() === b.strides.join();

/** Whether two arrays have the same numbers, as far as can be told before a run. */
function isSame(plan: Plan, a: Value, b: Value): boolean {
  if (sizeOf(a.shape) !== sizeOf(b.shape)) return false;
  if (a.depth === 0 && b.depth === 0) {
    const numbers = plan.numbers(b);
    return plan.numbers(a).every((number, i) => number === numbers[i]);
  }
  const alike = reshaped(a, b.shape);
  return alike !== undefined && lieAlike(alike, b);
}
