// Shapes that an elementwise operator can be computed in: what it reads that is repeated by broadcasting in one shape, in another one of
// as many numbers.
import { divideDims, multiplyDims } from "../core/dims.ts";
import { at } from "../core/lists.ts";
import { type Shape, sameShape } from "../core/shapes.ts";
import { madeBy, type Value } from "../core/value.ts";
import { unshaped } from "../ops/internal/unshaped.ts";
import { Reshape } from "../ops/movement.ts";

/** A value in a shape, through as few reshapes as can be. */
export function inShape(value: Value, shape: Shape): Value {
  if (sameShape(value.shape, shape)) return value;
  const reshaped = madeBy(value, Reshape);
  return reshaped && reshaped.inputs.length === 1 ? inShape(reshaped.inputs[0], shape) : Reshape(value, shape);
}

/** Whether two shapes are the same but for leading axes of one entry, which broadcasting makes no difference between. */
export const sameButLeading = (a: Shape, b: Shape): boolean => sameShape(withoutUnits(a), withoutUnits(b));

/** A value as an operand that is repeated by broadcasting, in a shape or with other leading axes of one entry. */
export function asOperand(value: Value, shape: Shape, rank: number): Value {
  const source = unshaped(value);
  return source.rank <= rank && sameButLeading(source.shape, shape) ? source : inShape(value, shape);
}

/** Neighbouring axes of one shape and those of the other that hold as many numbers. */
interface Group {
  readonly from: readonly [start: number, end: number];
  readonly to: readonly [start: number, end: number];
}

/** The finest groups of two shapes; undefined where sizes do not come out. */
function groupsOf(from: Shape, to: Shape): Group[] | undefined {
  const groups: Group[] = [];
  for (let [i, j] = [0, 0]; i < from.length || j < to.length; ) {
    const [start, first] = [i, j];
    let [a, b] = [from[i] ?? 1, to[j] ?? 1];
    i = Math.min(i + 1, from.length);
    j = Math.min(j + 1, to.length);
    while (a !== b) {
      const isMore = typeof a === "number" && typeof b === "number" ? a > b : divideDims(a, b) !== undefined;
      if (isMore ? j === to.length : i === from.length) return undefined;
      if (isMore) b = multiplyDims(b, at(to, j++));
      else a = multiplyDims(a, at(from, i++));
    }
    groups.push({ from: [start, i], to: [first, j] });
  }
  return groups;
}

const withoutUnits = (shape: Shape): Shape => shape.slice(shape.findIndex((dim) => dim !== 1) >>> 0);

/**
 * The shape of an operand where the result is computed in another shape, such as `[n, 1, 1]` for `[n, 1, 1, 1]` where `[n, 7, 7, 64]` becomes
 * `[n, 49, 64]`; undefined where it is repeated along a part of what becomes one axis.
 */
export function operandShape(operand: Shape, result: Shape, shape: Shape): Shape | undefined {
  if (sameShape(operand, result)) return shape;
  const groups = groupsOf(result, shape);
  if (!groups) return undefined;
  const padded = [...result.map(() => 1).slice(operand.length), ...operand];
  const dims: Shape[] = [];
  for (const { from, to } of groups) {
    const [own, whole] = [padded.slice(...from), result.slice(...from)];
    if (sameShape(own, whole)) dims.push(shape.slice(...to));
    else if (own.every((dim) => dim === 1)) dims.push(shape.slice(...to).map(() => 1));
    else return undefined;
  }
  const slim = withoutUnits(dims.flat());
  return operand.length <= shape.length && sameButLeading(operand, slim) ? operand : slim;
}
