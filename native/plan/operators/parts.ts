// What operators have in common: their attributes, and chains over arrays that are repeated to one shape.
import { type DType, sizeOf } from "@innerloop/schemas/bundle";
import type { Node } from "../../read.ts";
import { define } from "../definitions.ts";
import { Code, type Formula } from "../formula.ts";
import { mostExact, type Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import { type Access, type FunctionName, type Operand, sameAccess, type Write } from "../steps.ts";
import { accessOf, axisOf, broadcast, deepest, expanded, reshaped, type Shape, type Value } from "../views.ts";
import { roomLike } from "./channels.ts";

export const intOf = ({ attributes }: Node, name: string, otherwise: number): number =>
  attributes[name]?.ints[0] ?? otherwise;
export const floatOf = ({ attributes }: Node, name: string, otherwise: number): number =>
  attributes[name]?.floats[0] ?? otherwise;
export const textOf = ({ attributes }: Node, name: string, otherwise: string): string =>
  attributes[name]?.text ?? otherwise;
export const intsOf = ({ attributes }: Node, name: string): readonly number[] | undefined => attributes[name]?.ints;

export function present(value: Value | undefined, { operator }: Node): Value {
  if (value) return value;
  throw refused(`${operator} without an input that it needs`);
}

/** Axes as an input has them, or an attribute of early opsets; nothing where neither says any. */
export function axesOf(plan: Plan, given: Value | undefined, node: Node, rank: number): number[] | undefined {
  const axes = given ? plan.numbers(given) : intsOf(node, "axes");
  return axes?.map((axis) => axisOf(axis, rank));
}

/** The same numbers in another shape, copied only where they do not lie so. */
export const shapedAs = (plan: Plan, value: Value, shape: Shape): Value =>
  reshaped(value, shape) ?? reshaped(plan.written(value), shape)!;

/** Number by number, arrays repeated to one shape. A single number that is known is none that is read. */
export function computed(plan: Plan, operands: readonly Value[], dtype: DType, formula: Formula): Value {
  const shape = broadcast(operands.map((value) => value.shape));
  const out = roomLike(plan, operands, shape, dtype, deepest(...operands));
  chain(plan, { operands, shape, depth: out.depth, formula, out: { ...accessOf(out), how: "set" } });
  if (out.depth > 0) define({ out, operands, formula });
  const whole = dtype === "int64" || dtype === "int32";
  if (whole && out.depth === 0 && plan.numbers(out).some((number) => Math.abs(number) > mostExact))
    throw refused("a whole number that is not held exactly");
  return out;
}

export interface ChainOf {
  readonly operands: readonly Value[];
  readonly shape: Shape;
  readonly depth: number;
  readonly formula: Formula;
  readonly out: Omit<Write, "register">;
}

/** A chain that writes one array. */
export function chain(plan: Plan, { operands, shape, depth, formula, out }: ChainOf): void {
  const reads: Access[] = [];
  const places = operands.map((value): Operand => {
    if (value.depth === 0 && sizeOf(value.shape) === 1) return { number: plan.numbers(value)[0]! };
    const access = accessOf(expanded(plan.real(value), shape));
    const same = reads.findIndex((read) => sameAccess(read, access));
    return { register: same < 0 ? reads.push(access) - 1 : same };
  });
  const code = new Code(reads.length);
  const register = code.register(formula(code, ...places));
  plan.step(depth, { kind: "chain", shape, reads, code: code.calls, writes: [{ ...out, register }] });
}

/** A function of numbers one by one. */
export const each = (plan: Plan, name: FunctionName, operands: readonly Value[], dtype?: DType): Value =>
  computed(plan, operands, dtype ?? operands[0]!.dtype, (code, ...registers) => code.call(name, ...registers));

export const scaled = (plan: Plan, value: Value, by: number): Value =>
  by === 1 ? value : computed(plan, [value], value.dtype, (code, x) => code.call("multiply", x!, by));
