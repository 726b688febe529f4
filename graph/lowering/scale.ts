// A last pass for targets that multiply matrices quicker than they walk over memory: numbers that scale a product scale
// its smaller factor.
import { sizeOf } from "../dims.ts";
import { Add, Mul, Neg } from "../ops/elementwise.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape } from "../ops/movement.ts";
import { rewrite } from "../transforms/rewrite.ts";
import { dependencies, topological, type Value } from "../value.ts";

/**
 * `c · (A·B)` becomes `A·(c · B)`, and `θ − A·B` becomes `θ + A·(−B)`, where B is much the smaller and the product has no
 * other use: ONNX Runtime joins a product and a sum to one Gemm, so that an update of a large matrix is one pass.
 */
export function scaleSmallerFactors(outputs: readonly Value[]): Value[] {
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of topological(outputs)) dependencies(node).forEach(use);
  outputs.forEach(use);
  // Values are new after a rewrite; those that stand for one with a single use are remembered.
  const single = new Set<Value>();
  const scaled = (value: Value, scale: (factor: Value) => Value) =>
    single.has(value) ? throughProduct(value, single, scale) : undefined;
  return rewrite(outputs, (node, inputs) => {
    node.inputs.forEach((before, i) => {
      if (uses.get(before) === 1) single.add(inputs[i]!);
    });
    const [a, b] = inputs as [Value, Value];
    let result: Value | undefined;
    switch (node.operator.name) {
      case "Mul":
        result =
          a.rank === 0
            ? scaled(b, (factor) => Mul(a, factor))
            : b.rank === 0
              ? scaled(a, (factor) => Mul(factor, b))
              : undefined;
        break;
      case "Neg":
        result = scaled(a, Neg);
        break;
      case "Sub": {
        const negated = scaled(b, Neg);
        result = negated && Add(a, negated);
      }
    }
    return result && [result];
  });
}

/** Scales the smaller factor of a product, seen through reshaping; undefined where there is no product or no gain. */
function throughProduct(value: Value, single: ReadonlySet<Value>, scale: (factor: Value) => Value): Value | undefined {
  const { operator, inputs } = value.node;
  const [a, b] = inputs as [Value, Value];
  if (operator.name === "Reshape" && single.has(a)) {
    const inner = throughProduct(a, single, scale);
    return inner && Reshape(inner, value.shape);
  }
  if (operator.name !== "MatMul") return undefined;
  const [left, right, product] = [a, b, value].map(({ shape }) => sizeOf(shape));
  if (typeof left !== "number" || typeof right !== "number" || typeof product !== "number") return undefined;
  if (4 * Math.min(left, right) > product) return undefined;
  return left < right ? MatMul(scale(a), b) : MatMul(a, scale(b));
}
