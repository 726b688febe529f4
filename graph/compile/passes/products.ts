// The pass `products`, for targets that multiply matrices quicker than they walk over memory: what is done to a product is done
// to its smaller factor, or by the product itself.
import { uniformOf } from "../../core/build.ts";
import { at, zip } from "../../core/lists.ts";
import { apply1 } from "../../core/operator.ts";
import { broadcastShapes, likelySize, sameShape } from "../../core/shapes.ts";
import { madeBy, type One, type Operator, type Value } from "../../core/value.ts";
import { Add, Mul, Neg, Sub } from "../../ops/arithmetic.ts";
import { transposedFrom } from "../../ops/internal/transpose.ts";
import { MatMul } from "../../ops/linear-algebra.ts";
import { Expand, Reshape } from "../../ops/movement.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";
import { usesIn } from "../reading.ts";

export const products: Pass = {
  name: "products",
  why: "A processor multiplies matrices several times quicker than it walks over memory. A number that scales a product scales its smaller factor instead, and a product that is added to something or taken from it, as in an update of weights, becomes one Gemm with it: each saves a pass over a large array.",
  everywhere: false,
  run: joinProducts,
};

/** Which factors are transposed first, and what the product is multiplied by. */
export type GemmAttributes = { readonly transA: 0 | 1; readonly transB: 0 | 1; readonly alpha: number };

/** ONNX Gemm as a node: α·A·B, or α·A·B + C. Only lowering makes it. */
export const gemm: Operator<GemmAttributes, readonly [a: Value, b: Value, c?: Value], One> = {
  name: "GemmSum",
  family: "linear algebra",
  summary: "α·A·B, or α·A·B + C, in one pass",
  writtenAs: "Gemm",
  traits: { float16: "product" },
  infer: ([a, b], { transA, transB }) => [
    { dtype: a.dtype, shape: [at(a.shape, transA), at(b.shape, transB === 1 ? 0 : 1)] },
  ],
};

/**
 * `c · (A·B)` becomes `A·(c · B)` where B is the smaller factor, and `C + A·B` or `C − A·B`, as in an update of weights,
 * becomes one Gemm: a long pass over memory is saved. Only products that have no other use are touched.
 */
export function joinProducts(outputs: readonly Value[]): Value[] {
  const uses = usesIn(outputs);
  // Values are new after a rewrite; those that stand for one with a single use are remembered.
  const single = new Set<Value>();
  return rewrite(outputs, ({ operator, inputs: before }, inputs) => {
    zip(inputs, before, (now, then) => {
      if (now && then && uses.get(then) === 1) single.add(now);
    });
    const [a, b] = inputs;
    const result = a && joined(operator, a, b, single);
    if (!result) return undefined;
    single.add(result);
    const inner = madeBy(result, Reshape);
    if (inner) single.add(inner.inputs[0]);
    return [result];
  });
}

function joined(operator: Operator, a: Value, b: Value | undefined, single: ReadonlySet<Value>): Value | undefined {
  if (operator === Neg.operator) return scaledProduct(a, single, Neg);
  if (!b) return undefined;
  switch (operator) {
    case Mul.operator:
      if (a.rank === 0) return scaledProduct(b, single, (factor) => Mul(a, factor));
      return b.rank === 0 ? scaledProduct(a, single, (factor) => Mul(factor, b)) : undefined;
    case Sub.operator:
      return sumWithProduct(a, loneProduct(b, single), -1);
    case Add.operator:
      return sumWithProduct(a, loneProduct(b, single), 1) ?? sumWithProduct(b, loneProduct(a, single), 1);
    default:
      return undefined;
  }
}

/** What a value is, seen through reshaping. */
const unshaped = (value: Value): Value => madeBy(value, Reshape)?.inputs[0] ?? value;

/** A product, seen through reshaping, that nothing else uses. */
function loneProduct(value: Value, single: ReadonlySet<Value>): Value | undefined {
  const inner = unshaped(value);
  return single.has(value) && single.has(inner) && factorsOf(inner) ? value : undefined;
}

/** By which its nodes are known. */
export const Gemm = { operator: gemm };

/** The two factors of a product to which nothing is added yet. */
function factorsOf(product: Value): readonly [a: Value, b: Value] | undefined {
  const [a, b, added] = (madeBy(product, MatMul) ?? madeBy(product, Gemm))?.inputs ?? [];
  return a && b && !added ? [a, b] : undefined;
}

/** Whether a value is one number everywhere, which scales it for nothing: a row of ones that sums, say. */
const isRepeated = (value: Value): boolean => {
  const source = madeBy(value, Expand)?.inputs[0];
  if (source) return source.shape.every((dim) => dim === 1);
  const [a, b] = (madeBy(value, Mul) ?? madeBy(value, Neg))?.inputs ?? [];
  if (a?.rank === 0 && b) return isRepeated(b);
  return a !== undefined && (b === undefined || b.rank === 0) && isRepeated(a);
};

/** A product with its smaller factor scaled; undefined where there is no product or no gain. */
function scaledProduct(value: Value, single: ReadonlySet<Value>, scale: (factor: Value) => Value): Value | undefined {
  const product = unshaped(value);
  const [a, b] = (loneProduct(value, single) && madeBy(product, MatMul)?.inputs) ?? [];
  if (!a || !b) return undefined;
  const repeated = [a, b].find(isRepeated);
  if (repeated) return Reshape(repeated === a ? MatMul(scale(a), b) : MatMul(a, scale(b)), value.shape);
  const [left, right] = [likelySize(a.shape), likelySize(b.shape)];
  if (Math.min(left, right) > likelySize(product.shape)) return undefined;
  return Reshape(left < right ? MatMul(scale(a), b) : MatMul(a, scale(b)), value.shape);
}

/** A factor without the numbers that scale it, and these. */
function unscaled(factor: Value): { readonly rest: Value; readonly scale: number } {
  const [negative] = madeBy(factor, Neg)?.inputs ?? [];
  if (negative) return { rest: negative, scale: -1 };
  const [a, b] = madeBy(factor, Mul)?.inputs ?? [];
  for (const [number, rest] of [
    [a, b],
    [b, a],
  ]) {
    const scale = number?.rank === 0 ? uniformOf(number) : undefined;
    if (rest && scale !== undefined) return { rest, scale };
  }
  return { rest: factor, scale: 1 };
}

/** `sum + α · product` as one Gemm, where the product is of two matrices and the sum has its shape, or is repeated to it. */
function sumWithProduct(sum: Value, product: Value | undefined, sign: 1 | -1): Value | undefined {
  if (!product) return undefined;
  const matrix = unshaped(product);
  const added = sameShape(sum.shape, product.shape) ? Reshape(sum, matrix.shape) : sum;
  if (added === sum && matrix !== product) return undefined;
  if (added.rank > 2 || broadcastShapes(added.shape, matrix.shape)?.join() !== matrix.shape.join()) return undefined;
  const [a, b] = factorsOf(matrix) ?? [];
  if (a?.rank !== 2 || b?.rank !== 2) return undefined;
  const own = madeBy(matrix, Gemm)?.attributes ?? { transA: 0, transB: 0, alpha: 1 };
  const [left, right] = zip([a, b], [own.transA, own.transB], (factor, turned) => {
    const straight = transposedFrom(factor);
    return { ...unscaled(straight ?? factor), turned: (straight ? 1 - turned : turned) as 0 | 1 };
  });
  if (!left || !right) return undefined;
  const attributes = { transA: left.turned, transB: right.turned, alpha: sign * own.alpha * left.scale * right.scale };
  return Reshape(apply1(gemm, [left.rest, right.rest, added], attributes), product.shape);
}
