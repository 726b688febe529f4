// The algebra of simplification: one rule an operator, over its inputs as they are by now.
import { constant, uniformOf } from "../core/build.ts";
import { at } from "../core/lists.ts";
import { isFloat } from "../core/operator.ts";
import { sameShape, sizeOf } from "../core/shapes.ts";
import {
  type Attributes,
  type Entry,
  type Inputs,
  madeBy,
  type One,
  type Operator,
  type Value,
} from "../core/value.ts";
import { Add, Div, Mul, Neg, Sub } from "../ops/arithmetic.ts";
import { Cast } from "../ops/dtypes.ts";
import { stopGradient } from "../ops/graph.ts";
import { cut } from "../ops/internal/slicing.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Expand, Reshape, Transpose } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";
import { ReduceSum } from "../ops/reduction.ts";
import { sumOfJoined } from "./joined-sums.ts";

/** What an operator's nodes may be instead. */
interface Rule<A extends Attributes = Attributes, I extends Inputs = Inputs> {
  readonly operator: Operator<A, I, One>;
  /** Something simpler for the value `y` that these inputs give; undefined where there is nothing. */
  rewrite(inputs: I, attributes: A, y: Value): Value | undefined;
}

const rule = <A extends Attributes, I extends Inputs>(
  { operator }: Entry<A, I, One>,
  rewrite: Rule<A, I>["rewrite"],
): Rule<A, I> => ({ operator, rewrite });

/** The number that a value holds everywhere, seen through reshaping and repeating. */
function everywhere(value: Value): number | undefined {
  const moved = madeBy(value, Expand) ?? madeBy(value, Reshape) ?? madeBy(value, Transpose);
  return moved ? everywhere(moved.inputs[0]) : uniformOf(value);
}

/** What a value is the negative of. */
const negated = (value: Value): Value | undefined => madeBy(value, Neg)?.inputs[0];
const shaped = (value: Value, like: Value): Value => Expand(value, like.shape);
const filled = (number: number, like: Value): Value => Expand(constant(number, [], like.dtype), like.shape);

/** A product with a scalar constant among its factors, as that number and the other factor. */
function scaling(value: Value): { readonly factor: number; readonly rest: Value } | undefined {
  const [a, b] = madeBy(value, Mul)?.inputs ?? [];
  if (!a || !b) return undefined;
  for (const [scalar, rest] of [
    [a, b],
    [b, a],
  ] as const) {
    const factor = scalar.rank === 0 ? uniformOf(scalar) : undefined;
    if (factor !== undefined) return { factor, rest };
  }
  return undefined;
}

/** c · x, with the constant joined to one, or to a sign, that is there already. */
function scaled(x: Value, c: number, y: Value): Value | undefined {
  const positive = negated(x);
  if (positive) return shaped(Mul(positive, -c), y);
  const product = scaling(x);
  if (product) return shaped(Mul(product.rest, c * product.factor), y);
  const [a, b] = madeBy(x, Mul)?.inputs ?? [];
  if (!a || !b || isOne(a) === isOne(b)) return undefined;
  return shaped(isOne(a) ? Mul(Mul(a, c), b) : Mul(a, Mul(b, c)), y);
}

/** Whether a value is one number, on any number of axes. */
const isOne = (value: Value): boolean => value.shape.every((dim) => dim === 1);

const add = rule(Add, ([a, b], _, y) => {
  if (a === b && isFloat(y.dtype)) return Mul(a, 2);
  if (everywhere(a) === 0) return shaped(b, y);
  if (everywhere(b) === 0) return shaped(a, y);
  const [na, nb] = [negated(a), negated(b)];
  if (nb) return Sub(a, nb);
  return na ? Sub(b, na) : sumOfJoined(a, b, (value) => everywhere(value) === 0);
});

const subtract = rule(Sub, ([a, b], _, y) => {
  if (everywhere(b) === 0) return shaped(a, y);
  if (everywhere(a) === 0) return shaped(Neg(b), y);
  const nb = negated(b);
  return nb && Add(a, nb);
});

/** a · (b · x) as (a · b) · x where a and b are scalars. */
function scalars(a: Value, product: Value): Value | undefined {
  if (a.rank > 0 || product.rank === 0) return undefined;
  const [b, x] = madeBy(product, Mul)?.inputs ?? [];
  if (!b || !x) return undefined;
  if (b.rank === 0) return Mul(Mul(a, b), x);
  return x.rank === 0 ? Mul(Mul(a, x), b) : undefined;
}

const multiply = rule(Mul, ([a, b], _, y) => {
  const [ca, cb] = [everywhere(a), everywhere(b)];
  if (ca === 0 || cb === 0) return filled(0, y);
  if (ca === 1) return shaped(b, y);
  if (cb === 1) return shaped(a, y);
  if (ca === -1) return shaped(Neg(b), y);
  if (cb === -1) return shaped(Neg(a), y);
  if (ca !== undefined && a.rank > 0 && sameShape(b.shape, y.shape)) return Mul(constant(ca, [], y.dtype), b);
  if (cb !== undefined && b.rank > 0 && sameShape(a.shape, y.shape)) return Mul(a, constant(cb, [], y.dtype));
  if (ca !== undefined && uniformOf(b) === undefined) return scaled(b, ca, y);
  if (cb !== undefined && uniformOf(a) === undefined) return scaled(a, cb, y);
  const together = scalars(a, b) ?? scalars(b, a);
  if (together) return together;
  // A sign stays at a factor that is smaller than the product.
  const [na, nb] = [a, b].map((factor) => (sameShape(factor.shape, y.shape) ? negated(factor) : undefined));
  if (na) return Neg(Mul(na, b));
  return nb && Neg(Mul(a, nb));
});

const divide = rule(Div, ([a, b], _, y) => {
  if (everywhere(a) === 0) return filled(0, y);
  const by = everywhere(b);
  return by !== undefined && isFloat(y.dtype) ? shaped(Mul(a, 1 / by), y) : undefined;
});

const negate = rule(Neg, ([x]) => {
  const positive = negated(x);
  if (positive) return positive;
  const product = scaling(x);
  if (product) return Mul(product.rest, -product.factor);
  const [a, b] = madeBy(x, Sub)?.inputs ?? [];
  if (a && b) return Sub(b, a);
  // The sign of a product goes to a factor that is smaller.
  const [c, d] = madeBy(x, Mul)?.inputs ?? [];
  if (!c || !d) return undefined;
  if (!sameShape(c.shape, x.shape)) return Mul(Neg(c), d);
  return sameShape(d.shape, x.shape) ? undefined : Mul(c, Neg(d));
});

const reshape = rule(Reshape, ([x], { shape }) => {
  const inner = madeBy(x, Reshape);
  if (inner) return Reshape(inner.inputs[0], shape);
  const [repeated] = madeBy(x, Expand)?.inputs ?? [];
  if (repeated?.rank === 0) return Expand(repeated, shape);
  return sameShape(x.shape, shape) ? x : undefined;
});

const transpose = rule(Transpose, ([x], { perm }) => {
  const inner = madeBy(x, Transpose);
  if (inner)
    return Transpose(
      inner.inputs[0],
      perm.map((axis) => at(inner.attributes.perm, axis)),
    );
  const moving = perm.filter((axis) => x.shape[axis] !== 1);
  if (moving.some((axis, i) => i > 0 && axis <= at(moving, i - 1))) return undefined;
  return Reshape(
    x,
    perm.map((axis) => at(x.shape, axis)),
  );
});

const expand = rule(Expand, ([x], { shape }, y) => {
  if (sameShape(x.shape, y.shape)) return x;
  const inner = madeBy(x, Expand);
  return inner && Expand(inner.inputs[0], shape);
});

const reduceSum = rule(ReduceSum, ([x], { axes, keepdims }, y) => {
  if (everywhere(x) === 0) return filled(0, y);
  if (axes.every((axis) => x.shape[axis] === 1)) return Reshape(x, y.shape);
  const [source] = madeBy(x, Expand)?.inputs ?? [];
  if (source?.rank !== x.rank) return undefined;
  const repeated = axes.filter((axis) => source.shape[axis] === 1 && typeof x.shape[axis] === "number");
  if (repeated.length === 0) return undefined;
  const count = sizeOf(x.shape.filter((dim, axis) => typeof dim === "number" && repeated.includes(axis)));
  const rest = x.shape.map((dim, axis) => (repeated.includes(axis) ? 1 : dim));
  return typeof count === "number" ? ReduceSum(Mul(Expand(source, rest), count), { axes, keepdims }) : undefined;
});

const product = rule(MatMul, ([a, b], _, y) => (everywhere(a) === 0 || everywhere(b) === 0 ? filled(0, y) : undefined));

const slice = rule(cut, ([x], { axis, start, end }) => {
  const joined = madeBy(x, Concat);
  if (joined?.attributes.axis !== axis || typeof start !== "number" || typeof end !== "number") return undefined;
  let from = 0;
  for (const part of joined.inputs) {
    const size = part.shape[axis];
    if (typeof size !== "number") return undefined;
    if (start >= from && end <= from + size) return cut(part, axis, start - from, end - from);
    from += size;
  }
  return undefined;
});

const concat = rule(Concat, (inputs, { axis }) => {
  const flat = inputs.flatMap((value) => {
    const joined = madeBy(value, Concat);
    return joined?.attributes.axis === axis ? joined.inputs : [value];
  });
  return flat.length > inputs.length ? Concat(flat, axis) : undefined;
});

const cast = rule(Cast, ([x], { to }) => (x.dtype === to ? x : undefined));
const stop = rule(stopGradient, ([x]) => x);

/** By the operator that they are about. */
export const rules: ReadonlyMap<Operator, Rule> = new Map<Operator, Rule>(
  [
    ...[add, subtract, multiply, divide, negate, reduceSum, product],
    ...[reshape, transpose, expand, slice, concat, cast, stop],
  ].map((entry): [Operator, Rule] => [entry.operator, entry]),
);
