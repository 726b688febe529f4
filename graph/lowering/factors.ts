// Products of matrices of which one is transposed, as in gradients of weights, in the way that ONNX Runtime multiplies quickest.
import { at } from "../core/lists.ts";
import { sizeOf } from "../core/shapes.ts";
import { madeBy, type Value } from "../core/value.ts";
import { transposedFrom, transposeLast } from "../ops/internal/transpose.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape, Transpose } from "../ops/movement.ts";
import { type Lowering, lowering } from "./lower.ts";

/** A transposed matrix as an array of its own. The axis more keeps the runtime from taking the Transpose into a product, or behind a Reshape. */
export const transposedApart = (matrix: Value): Value =>
  Reshape(transposeLast(Reshape(matrix, [1, ...matrix.shape])), [...matrix.shape].reverse());

/** The matrix of which this is the array of its transpose. */
function apartFrom(value: Value): Value | undefined {
  const turned = madeBy(madeBy(value, Reshape)?.inputs[0] ?? value, Transpose);
  const matrix = turned?.attributes.perm.join() === "0,2,1" ? madeBy(turned.inputs[0], Reshape)?.inputs[0] : undefined;
  return matrix?.rank === 2 ? matrix : undefined;
}

/**
 * Measured with ONNX Runtime 1.32: Aᵀ·B of 128 rows, 768 and 3,072 columns takes two thirds of its time where Aᵀ is made first, and
 * with few columns in B or with many rows no less than it took.
 */
const product = lowering(MatMul, ([a, b]) => {
  const matrix = transposedFrom(a);
  const [rows, columns] = [at(b.shape, 0), at(b.shape, -1)];
  if (!matrix || b.rank !== 2 || matrix.dtype !== "float32") return undefined;
  if (typeof rows !== "number" || typeof columns !== "number" || typeof matrix.shape[1] !== "number") return undefined;
  return rows >= 32 && rows <= 512 && columns >= 512 ? [MatMul(transposedApart(matrix), b)] : undefined;
});

/** (A·B)ᵀ is Bᵀ·Aᵀ, where that turns less. */
const transposedProduct = lowering(Transpose, ([x], { perm }) => {
  const [a, b] = madeBy(x, MatMul)?.inputs ?? [];
  if (perm.join() !== "1,0" || a?.rank !== 2 || b?.rank !== 2) return undefined;
  const sizes = [x, a, b].map(({ shape }) => sizeOf(shape));
  const [whole, left, right] = sizes.map(Number);
  if (!sizes.every((size) => typeof size === "number") || Number(whole) < Number(left) + Number(right))
    return undefined;
  return [MatMul(transposedFrom(b) ?? transposeLast(b), transposedFrom(a) ?? apartFrom(a) ?? transposeLast(a))];
});

/** How products with a transposed factor, and products that are transposed, are computed. */
export const transposedFactors: readonly Lowering[] = [product, transposedProduct];
