// Simplification: the same numbers from fewer and cheaper nodes. Equal nodes are one by construction and unused ones
// are never reached; what is left is folding constants and algebra, one rule an operator. As everywhere in this kind of
// work, x · 0 is taken for 0 although it is NaN for infinite x.
import { broadcastShapes, type Shape, sameShape, sizeOf } from "../core/dims.ts";
import { evaluate } from "../core/evaluate.ts";
import { isFloat } from "../core/operator.ts";
import {
  type Attributes,
  apply,
  constant,
  constantOf,
  isBody,
  type Node,
  uniformOf,
  type Value,
} from "../core/value.ts";
import { Add, Mul, Neg, Sub } from "../ops/elementwise.ts";
import { Concat, cut, Expand, Reshape, Transpose } from "../ops/movement.ts";
import { ReduceSum } from "../ops/reduction.ts";
import { rewrite } from "./rewrite.ts";

/** Constants up to this many numbers are computed while the graph is built. */
const largestFold = 1 << 17;

/** Simplifies until nothing changes. */
export function simplify(outputs: readonly Value[]): Value[] {
  let before = [...outputs];
  for (let pass = 0; pass < 8; pass++) {
    const after = rewrite(before, (node, inputs, attributes) => {
      const result = simplifyNode(node, inputs, attributes);
      return result ? [result] : undefined;
    });
    if (after.every((value, i) => value === before[i])) return after;
    before = after;
  }
  return before;
}

function simplifyNode(node: Node, inputs: readonly Value[], attributes: Attributes): Value | undefined {
  const rule = rules[node.operator.name];
  const broadcasting = elementwise.has(node.operator.name) ? withoutExpands(node, inputs, attributes) : undefined;
  return (
    folded(node, inputs, attributes) ??
    broadcasting ??
    rule?.(inputs, attributes, node.outputs[0]!) ??
    (elementwise.has(node.operator.name) ? reshapedLater(node, inputs, attributes) : undefined)
  );
}

function folded(node: Node, inputs: readonly Value[], attributes: Attributes): Value | undefined {
  if (inputs.length === 0 || node.outputs.length !== 1 || !node.operator.evaluate) return undefined;
  if (!inputs.every((value) => constantOf(value)) || Object.values(attributes).some(isBody)) return undefined;
  const [output] = apply(node.operator, inputs, attributes) as [Value];
  const size = sizeOf(output.shape);
  if (typeof size !== "number" || size > (node.operator.name === "Expand" ? 4096 : largestFold)) return undefined;
  const [array] = evaluate([output]);
  return constant(array!.data, array!.shape, array!.dtype);
}

const elementwise = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Pow",
  "Max",
  "Min",
  "Where",
  "Equal",
  "Less",
  "Greater",
  "LessOrEqual",
  "GreaterOrEqual",
]);

/** Drops an Expand in front of an operator that broadcasts anyway. */
function withoutExpands(node: Node, inputs: readonly Value[], attributes: Attributes): Value | undefined {
  const target = inputs.map((value) => value.shape).reduce<Shape>((a, b) => broadcastShapes(a, b)!, []);
  for (const [i, value] of inputs.entries()) {
    if (value.node.operator.name !== "Expand") continue;
    const slim = inputs.map((other, j) => (j === i ? value.node.inputs[0]! : other));
    const shape = slim.map((v) => v.shape).reduce<Shape>((a, b) => broadcastShapes(a, b)!, []);
    if (sameShape(shape, target)) return apply(node.operator, slim, attributes)[0]!;
  }
  return undefined;
}

/**
 * An elementwise operator on operands that were all reshaped from one shape, before the reshape instead of after it: where
 * these follow each other, one reshape is left at the end, or none. An operand that was not reshaped may stand beside axes
 * of size 1 that come or go, if it reaches none of them.
 */
function reshapedLater(node: Node, inputs: readonly Value[], attributes: Attributes): Value | undefined {
  const { shape } = node.outputs[0]!;
  const operands = inputs.filter((value) => value.rank > 0);
  const sources = operands.flatMap((value) => parts(value, "Reshape") ?? []);
  const [from] = sources;
  if (!from || sources.some((value) => !sameShape(value.shape, from.shape))) return undefined;
  const others = operands.filter((value) => value.node.operator.name !== "Reshape");
  if (!operands.every((value) => others.includes(value) || sameShape(value.shape, shape))) return undefined;
  const kept = sharedTail(from.shape, shape);
  if (others.some((value) => value.rank > kept) || (others.length > 0 && !sameButUnits(from.shape, shape)))
    return undefined;
  const before = inputs.map((value) => (value.rank > 0 ? (parts(value, "Reshape")?.[0] ?? value) : value));
  return Reshape(apply(node.operator, before, attributes)[0]!, shape);
}

/** How many of the last axes two shapes have in common. */
function sharedTail(a: Shape, b: Shape): number {
  let count = 0;
  while (count < Math.min(a.length, b.length) && a.at(-1 - count) === b.at(-1 - count)) count++;
  return count;
}

const sameButUnits = (a: Shape, b: Shape): boolean =>
  sameShape(
    a.filter((dim) => dim !== 1),
    b.filter((dim) => dim !== 1),
  );

/** The number that a value holds everywhere, seen through reshaping and repeating. */
function everywhere(value: Value): number | undefined {
  const { operator, inputs } = value.node;
  if (operator.name === "Expand" || operator.name === "Reshape" || operator.name === "Transpose")
    return everywhere(inputs[0]!);
  return uniformOf(value);
}

const parts = (value: Value, name: string): readonly Value[] | undefined =>
  value.node.operator.name === name ? value.node.inputs : undefined;
const shaped = (value: Value, like: Value): Value => Expand(value, like.shape);
const filled = (number: number, like: Value): Value => Expand(constant(number, [], like.dtype), like.shape);

type Rule = (inputs: readonly Value[], attributes: Attributes, output: Value) => Value | undefined;

const rules: Record<string, Rule> = {
  Add([a, b], _, y) {
    if (a === b && isFloat(y.dtype)) return Mul(a!, 2);
    if (everywhere(a!) === 0) return shaped(b!, y);
    if (everywhere(b!) === 0) return shaped(a!, y);
    const [na, nb] = [parts(a!, "Neg"), parts(b!, "Neg")];
    if (nb) return Sub(a!, nb[0]!);
    return na ? Sub(b!, na[0]!) : undefined;
  },
  Sub([a, b], _, y) {
    if (everywhere(b!) === 0) return shaped(a!, y);
    if (everywhere(a!) === 0) return shaped(Neg(b!), y);
    const nb = parts(b!, "Neg");
    return nb ? Add(a!, nb[0]!) : undefined;
  },
  Mul([a, b], _, y) {
    const [ca, cb] = [everywhere(a!), everywhere(b!)];
    if (ca === 0 || cb === 0) return filled(0, y);
    if (ca === 1) return shaped(b!, y);
    if (cb === 1) return shaped(a!, y);
    if (ca === -1) return shaped(Neg(b!), y);
    if (cb === -1) return shaped(Neg(a!), y);
    if (ca !== undefined && a!.rank > 0 && sameShape(b!.shape, y.shape)) return Mul(constant(ca, [], y.dtype), b!);
    if (cb !== undefined && b!.rank > 0 && sameShape(a!.shape, y.shape)) return Mul(a!, constant(cb, [], y.dtype));
    if (ca !== undefined && uniformOf(b!) === undefined) return scaled(b!, ca, y);
    if (cb !== undefined && uniformOf(a!) === undefined) return scaled(a!, cb, y);
    const [na, nb] = [parts(a!, "Neg"), parts(b!, "Neg")];
    if (na) return Neg(Mul(na[0]!, b!));
    return nb ? Neg(Mul(a!, nb[0]!)) : undefined;
  },
  Div([a, b], _, y) {
    if (everywhere(a!) === 0) return filled(0, y);
    const by = everywhere(b!);
    return by !== undefined && isFloat(y.dtype) ? shaped(Mul(a!, 1 / by), y) : undefined;
  },
  Neg([x]) {
    const inner = parts(x!, "Neg");
    if (inner) return inner[0]!;
    const product = parts(x!, "Mul");
    const at = product?.findIndex((factor) => constantOf(factor)?.shape.length === 0) ?? -1;
    if (product && at >= 0) return Mul(product[1 - at]!, -uniformOf(product[at]!)!);
    const difference = parts(x!, "Sub");
    return difference ? Sub(difference[1]!, difference[0]!) : undefined;
  },
  Reshape([x], { shape }) {
    const inner = parts(x!, "Reshape");
    if (inner) return Reshape(inner[0]!, shape as Shape);
    const expanded = parts(x!, "Expand");
    return expanded && expanded[0]!.rank === 0
      ? Expand(expanded[0]!, shape as Shape)
      : sameShape(x!.shape, shape as Shape)
        ? x
        : undefined;
  },
  Transpose([x], { perm }) {
    const order = perm as readonly number[];
    const inner = parts(x!, "Transpose");
    if (inner)
      return Transpose(
        inner[0]!,
        order.map((axis) => (x!.node.attributes.perm as readonly number[])[axis]!),
      );
    const moving = order.filter((axis) => x!.shape[axis] !== 1);
    if (moving.every((axis, i) => i === 0 || axis > moving[i - 1]!))
      return Reshape(
        x!,
        order.map((axis) => x!.shape[axis]!),
      );
    return undefined;
  },
  Expand([x], { shape }, y) {
    if (sameShape(x!.shape, y.shape)) return x;
    const inner = parts(x!, "Expand");
    return inner ? Expand(inner[0]!, shape as Shape) : undefined;
  },
  ReduceSum([x], { axes, keepdims }, y) {
    if (everywhere(x!) === 0) return filled(0, y);
    const alone = (axes as readonly number[]).every((axis) => x!.shape[axis] === 1);
    if (alone) return Reshape(x!, y.shape);
    const inner = parts(x!, "Expand");
    if (!inner || inner[0]!.rank !== x!.rank) return undefined;
    const repeated = (axes as readonly number[]).filter(
      (axis) => inner[0]!.shape[axis] === 1 && typeof x!.shape[axis] === "number",
    );
    if (repeated.length === 0) return undefined;
    const count = repeated.reduce((product, axis) => product * (x!.shape[axis] as number), 1);
    const rest = x!.shape.map((dim, axis) => (repeated.includes(axis) ? 1 : dim));
    return ReduceSum(Mul(Expand(inner[0]!, rest), count), {
      axes: axes as readonly number[],
      keepdims: keepdims as boolean,
    });
  },
  MatMul([a, b], _, y) {
    return everywhere(a!) === 0 || everywhere(b!) === 0 ? filled(0, y) : undefined;
  },
  Slice([x], { axis, start, end }) {
    const joined = parts(x!, "Concat");
    if (!joined || x!.node.attributes.axis !== axis) return undefined;
    let from = 0;
    for (const part of joined) {
      const size = part.shape[axis as number];
      if (typeof size !== "number" || typeof start !== "number" || typeof end !== "number") return undefined;
      if (start >= from && end <= from + size) return cut(part, axis as number, start - from, end - from);
      from += size;
    }
    return undefined;
  },
  Concat(inputs, { axis }) {
    const flat = inputs.flatMap((value) =>
      value.node.operator.name === "Concat" && value.node.attributes.axis === axis ? value.node.inputs : [value],
    );
    return flat.length > inputs.length ? Concat(flat, axis as number) : undefined;
  },
  Cast([x], { to }) {
    return x!.dtype === to ? x : undefined;
  },
  StopGradient: ([x]) => x,
};

/** c · x, with the constant joined to one, or to a sign, that is there already. */
function scaled(x: Value, c: number, y: Value): Value | undefined {
  const negated = parts(x, "Neg");
  if (negated) return shaped(Mul(negated[0]!, -c), y);
  const product = parts(x, "Mul");
  if (!product) return undefined;
  const at = product.findIndex((factor) => uniformOf(factor) !== undefined && factor.rank === 0);
  return at < 0 ? undefined : shaped(Mul(product[1 - at]!, c * uniformOf(product[at]!)!), y);
}
