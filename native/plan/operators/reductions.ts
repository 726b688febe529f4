// Sums, means and largest numbers along axes.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Node } from "../../read.ts";
import type { Code, Formula } from "../formula.ts";
import type { Compute, Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import type { Operand, Write } from "../steps.ts";
import { accessOf, at, axisOf, expanded, permuted, type Value, withOnes } from "../views.ts";
import { axesOf, chain, computed, intOf, present, scaled, shapedAs } from "./parts.ts";

const itself: Formula = (_, x) => x!;

/** Along these axes, which stay with one place each. */
export function reduce(
  plan: Plan,
  operands: readonly [Value, ...Value[]],
  axes: readonly number[],
  how: Write["how"],
  formula: Formula = itself,
): Value {
  const [{ shape, dtype, depth }] = operands;
  const out = plan.room(
    shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
    dtype,
    Math.max(depth, ...operands.map((value) => value.depth)),
  );
  const strides = out.strides.map((stride, axis) => (axes.includes(axis) ? 0 : stride));
  chain(plan, { operands, shape, depth: out.depth, formula, out: { ...accessOf(out), strides, how } });
  return out;
}

/** Without the axes of one place that a reduction leaves, unless they are to be kept. */
export function without(value: Value, axes: readonly number[], kept: boolean): Value {
  if (kept) return value;
  return [...axes].sort((a, b) => b - a).reduce((view, axis) => at(view, axis, 0), value);
}

/** The axes of a reduction: an input, an attribute in early opsets, or all. */
function along(plan: Plan, x: Value, given: Value | undefined, node: Node): number[] {
  const axes = axesOf(plan, given, node, x.shape.length) ?? [];
  if (axes.length > 0) return [...new Set(axes)];
  return intOf(node, "noop_with_empty_axes", 0) === 1 ? [] : x.shape.map((_, axis) => axis);
}

type Reduction = (plan: Plan, x: Value, axes: readonly number[], count: number) => Value;

const reduction =
  (make: Reduction): Compute =>
  (plan, [x, given], node) => {
    const value = present(x, node);
    const axes = along(plan, value, given, node);
    const count = sizeOf(axes.map((axis) => value.shape[axis]!));
    return [without(make(plan, value, axes, count), axes, intOf(node, "keepdims", 1) === 1)];
  };

const summed =
  (prepare: (code: Code, x: Operand) => Operand, finish?: (code: Code, x: Operand) => Operand): Compute =>
  (plan, inputs, node) =>
    reduction((_, x, axes) => {
      const sum = reduce(plan, [x], axes, "sum", (code, operand) => prepare(code, operand!));
      return finish ? computed(plan, [sum], x.dtype, (code, operand) => finish(code, operand!)) : sum;
    })(plan, inputs, node, undefined as never);

const largest: Reduction = (plan, x, axes, count) => {
  // How many classes there are, of which sizes are made.
  if (x.dtype !== "float32" && x.depth > 0 && count === sizeOf(x.shape) && plan.isFed(x))
    return plan.constant(
      [plan.largestOf(x)],
      x.shape.map(() => 1),
      x.dtype,
    );
  return reduce(plan, [x], axes, "max");
};

/** Products of numbers, few of them. */
const multiplied: Reduction = (plan, x, axes, count) => {
  if (count === 0 || count > 64) throw refused(`a product of ${count} numbers`);
  const kept = x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const rows = shapedAs(plan, permuted(x, [...axes, ...kept]), [count, ...kept.map((axis) => x.shape[axis]!)]);
  const parts = Array.from({ length: count }, (_, i) => at(rows, 0, i));
  const out = computed(plan, parts, x.dtype, (code, first, ...rest) =>
    rest.reduce((so, y) => code.call("multiply", so, y), first!),
  );
  return shapedAs(
    plan,
    out,
    x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
  );
};

const logSumExp: Reduction = (plan, x, axes) => {
  const most = reduce(plan, [x], axes, "max");
  const sum = reduce(plan, [x, most], axes, "sum", (code, p, q) => code.call("exp", code.call("subtract", p!, q!)));
  return computed(plan, [most, sum], x.dtype, (code, p, q) => code.call("add", p!, code.call("log", q!)));
};

const square = (code: Code, x: Operand): Operand => code.call("multiply", x, x);

/** Sums so far, as a product with ones on one side of the diagonal. */
const cumSum: Compute = (plan, [x, given], node) => {
  const value = present(x, node);
  const axis = axisOf(plan.numbers(present(given, node))[0]!, value.shape.length);
  const [size, reverse, exclusive] = [value.shape[axis]!, intOf(node, "reverse", 0), intOf(node, "exclusive", 0)];
  const ones = Float32Array.from({ length: size * size }, (_, i) => {
    const [to, from] = [Math.floor(i / size), i % size];
    const before = reverse === 1 ? from - to : to - from;
    return before >= exclusive ? 1 : 0;
  });
  if (size > 512) throw refused(`sums so far of ${size} numbers`);
  const [last, rank] = [value.shape.map((_, i) => i).filter((i) => i !== axis), value.shape.length];
  const rows = withOnes(permuted(value, [...last, axis]), [rank - 1]);
  const repeated = expanded(rows, rows.shape.with(rank - 1, size));
  const mask = plan.constant(ones, [size, size], "bool");
  const sums = reduce(plan, [repeated, mask], [rank], "sum", (code, p, keep) =>
    code.call("where", keep!, p!, { number: 0 }),
  );
  const back = value.shape.map((_, i) => (i === axis ? rank - 1 : last.indexOf(i)));
  return [permuted(at(sums, rank, 0), back)];
};

export const reductions: Readonly<Record<string, Compute>> = {
  ReduceSum: reduction((plan, x, axes) => (axes.length === 0 ? x : reduce(plan, [x], axes, "sum"))),
  ReduceMean: reduction((plan, x, axes, count) => scaled(plan, reduce(plan, [x], axes, "sum"), 1 / count)),
  ReduceSumSquare: summed(square),
  ReduceL1: summed((code, x) => code.call("absolute", x)),
  ReduceL2: summed(square, (code, x) => code.call("sqrt", x)),
  ReduceLogSum: summed(
    (_, x) => x,
    (code, x) => code.call("log", x),
  ),
  ReduceLogSumExp: reduction(logSumExp),
  ReduceMax: reduction(largest),
  ReduceMin: reduction((plan, x, axes) => reduce(plan, [x], axes, "min")),
  ReduceProd: reduction(multiplied),
  CumSum: cumSum,
};
