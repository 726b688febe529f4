// A last pass for targets that multiply matrices quicker than they walk over memory: what is done to a product is done
// to its smaller factor, or by the product itself.
import { sameShape, sizeOf, termsOf } from "../core/dims.ts";
import { apply1, type Operator } from "../core/operator.ts";
import { dependencies, topological, type Value } from "../core/value.ts";
import { Mul, Neg } from "../ops/elementwise.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape } from "../ops/movement.ts";
import { rewrite } from "../transforms/rewrite.ts";

/** ONNX Gemm as a node: A·B + C, either factor transposed first. Only lowering makes it. */
const gemm: Operator = {
  name: "GemmSum",
  family: "linear algebra",
  summary: "A·B + C in one pass",
  writtenAs: "Gemm",
  infer: ([, , c]) => [{ dtype: c!.dtype, shape: c!.shape }],
};

/** The value whose transpose this is, or itself. */
function untransposed(value: Value): { matrix: Value; transposed: 0 | 1 } {
  const { operator, inputs, attributes } = value.node;
  const swapped = operator.name === "Transpose" && String(attributes.perm) === "1,0";
  return swapped ? { matrix: inputs[0]!, transposed: 1 } : { matrix: value, transposed: 0 };
}

/**
 * `c · (A·B)` becomes `A·(c · B)` where B is the smaller factor, and `C + A·B` or `C − A·B`, as in an update of weights,
 * becomes one Gemm: a long pass over memory is saved. Only products that have no other use are touched.
 */
export function joinProducts(outputs: readonly Value[]): Value[] {
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of topological(outputs)) dependencies(node).forEach(use);
  outputs.forEach(use);
  // Values are new after a rewrite; those that stand for one with a single use are remembered.
  const single = new Set<Value>();
  return rewrite(outputs, (node, inputs) => {
    node.inputs.forEach((before, i) => {
      if (uses.get(before) === 1) single.add(inputs[i]!);
    });
    const [a, b] = inputs as [Value, Value];
    const result = (() => {
      switch (node.operator.name) {
        case "Mul":
          if (a.rank === 0) return scaledProduct(b, single, (factor) => Mul(a, factor));
          return b.rank === 0 ? scaledProduct(a, single, (factor) => Mul(factor, b)) : undefined;
        case "Neg":
          return scaledProduct(a, single, Neg);
        case "Sub":
          return sumWithProduct(a, scaledProduct(b, single, Neg));
        case "Add":
          return sumWithProduct(a, ownProduct(b, single)) ?? sumWithProduct(b, ownProduct(a, single));
        default:
          return undefined;
      }
    })();
    if (!result) return undefined;
    single.add(result);
    if (result.node.operator.name === "Reshape") single.add(result.node.inputs[0]!);
    return [result];
  });
}

/** A product, seen through reshaping, that nothing else uses. */
function ownProduct(value: Value, single: ReadonlySet<Value>): Value | undefined {
  if (!single.has(value)) return undefined;
  const inner = value.node.operator.name === "Reshape" ? value.node.inputs[0]! : value;
  return single.has(inner) && inner.node.operator.name === "MatMul" ? value : undefined;
}

/** A product with its smaller factor scaled; undefined where there is no product or no gain. */
function scaledProduct(value: Value, single: ReadonlySet<Value>, scale: (factor: Value) => Value): Value | undefined {
  if (!ownProduct(value, single)) return undefined;
  const product = value.node.operator.name === "Reshape" ? value.node.inputs[0]! : value;
  const [a, b] = product.node.inputs as [Value, Value];
  const [left, right, size] = [a, b, product].map(likelySize) as [number, number, number];
  if (Math.min(left, right) > size) return undefined;
  return Reshape(left < right ? MatMul(scale(a), b) : MatMul(a, scale(b)), value.shape);
}

/** How many numbers a value holds, an open number of examples taken for a handful. */
function likelySize({ shape }: Value): number {
  const terms = termsOf(sizeOf(shape));
  return terms.reduce((total, [coefficient, symbols]) => total + coefficient * 8 ** symbols.length, 0);
}

/** `sum + product` as one Gemm, where the product is of two matrices and the sum has its shape. */
function sumWithProduct(sum: Value, product: Value | undefined): Value | undefined {
  if (!product || !sameShape(sum.shape, product.shape)) return undefined;
  const matrix = product.node.operator.name === "Reshape" ? product.node.inputs[0]! : product;
  const [a, b] = matrix.node.inputs as [Value, Value];
  if (a.rank !== 2 || b.rank !== 2) return undefined;
  const [left, right] = [untransposed(a), untransposed(b)];
  const joined = apply1(gemm, [left.matrix, right.matrix, Reshape(sum, matrix.shape)], {
    transA: left.transposed,
    transB: right.transposed,
  });
  return Reshape(joined, sum.shape);
}
