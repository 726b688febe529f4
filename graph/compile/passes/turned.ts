// The pass `turned`: a weight that a file has for good, which products read as it lies and turned, as a derivative does. A Gemm reads it turned; a
// Transpose before a MatMul is carried out when a session opens, and the weight is then there once more.
import { apply1 } from "../../core/operator.ts";
import { madeBy, type Node, type One, type Operator, type Two, type Value } from "../../core/value.ts";
import { topological } from "../../core/walk.ts";
import { MatMul } from "../../ops/linear-algebra.ts";
import { Reshape, Transpose } from "../../ops/movement.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";
import { gemm } from "./products.ts";

/** ONNX Gemm as a node: A·Bᵀ. Only lowering makes it. */
const product: Operator<{ readonly transB: 1 }, Two, One> = {
  name: "GemmTurned",
  family: "linear algebra",
  summary: "A·Bᵀ",
  writtenAs: "Gemm",
  traits: { float16: "product" },
  infer: ([a, b]) => [{ dtype: a.dtype, shape: [a.shape[0]!, b.shape[0]!] }],
};

/** Whether a node multiplies by its second operand as that lies. */
const readsStraight = ({ operator, attributes }: Node): boolean =>
  operator === MatMul.operator || (operator === gemm && attributes.transB === 0);

/** The matrix whose transpose a value is. */
function turned(value: Value): Value | undefined {
  const node = madeBy(value, Transpose);
  return node?.attributes.perm.join() === "1,0" ? node.inputs[0] : undefined;
}

export const turnedWeights: Pass = {
  name: "turned",
  why: "A derivative multiplies by the transpose of a weight that the forward product reads as it lies. Where the file has the weight for good, ONNX Runtime carries a Transpose out when it opens the session, and holds the weight twice; a Gemm reads it turned instead.",
  everywhere: false,
  run(outputs, { target: { isFixed = () => false } }) {
    const straight = new Set(
      topological(outputs).flatMap((node) => {
        const weight = readsStraight(node) ? node.inputs[1] : undefined;
        return weight?.rank === 2 && isFixed(weight) ? [weight] : [];
      }),
    );
    if (straight.size === 0) return outputs;
    // `a · Wᵀ` as a Gemm, where a product with W itself is in the same graph.
    return rewrite(outputs, ({ operator, outputs: [y] }, [a, b]) => {
      const weight = operator === MatMul.operator && a && b ? turned(b) : undefined;
      if (!a || !weight || a.rank < 2 || !straight.has(weight) || a.dtype !== "float32") return undefined;
      const rows = Reshape(a, [-1, a.shape.at(-1)!]);
      return [Reshape(apply1(product, [rows, weight], { transB: 1 }), y!.shape)];
    });
  },
};
