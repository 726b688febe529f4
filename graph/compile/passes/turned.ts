// The pass `turned`: a weight that a file has for good, which products read as it lies and turned, as a derivative does. A Gemm reads it turned; a
// Transpose before a MatMul is carried out when a session opens, and the weight is then there once more.
import { apply1 } from "../../core/operator.ts";
import type { Node } from "../../core/value.ts";
import { topological } from "../../core/walk.ts";
import { transposedFrom } from "../../ops/internal/transpose.ts";
import { MatMul } from "../../ops/linear-algebra.ts";
import { Reshape } from "../../ops/movement.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";
import { gemm, joinProducts } from "./products.ts";

/** Whether a node multiplies by its second operand as that lies. */
const readsStraight = ({ operator, attributes }: Node): boolean =>
  operator === MatMul.operator || (operator === gemm && attributes.transB === 0);

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
    const turned = rewrite(outputs, ({ operator, outputs: [y] }, [a, b]) => {
      const weight = operator === MatMul.operator && a && b ? transposedFrom(b) : undefined;
      if (!a || !weight || a.rank < 2 || !straight.has(weight) || a.dtype !== "float32") return undefined;
      const rows = Reshape(a, [-1, a.shape.at(-1)!]);
      return [Reshape(apply1(gemm, [rows, weight], { transA: 0, transB: 1, alpha: 1 }), y!.shape)];
    });
    return joinProducts(turned);
  },
};
