// The pass `numbers`: what is looked up number by number in each of many rows is looked up for all rows at once.
import { at } from "../../core/lists.ts";
import { likelySize, type Shape, sizeOf } from "../../core/shapes.ts";
import { is, type Node, type Value } from "../../core/value.ts";
import { topological } from "../../core/walk.ts";
import { Gather } from "../../ops/indexing.ts";
import { transposeLast } from "../../ops/internal/transpose.ts";
import { Reshape } from "../../ops/movement.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";

export const numbers: Pass = {
  name: "numbers",
  why: "Gather copies piece by piece, and a piece of one number takes as long as one of sixteen. The columns of pictures of one channel are looked up number by number in each picture; of the array turned around, a piece is a place of all pictures.",
  everywhere: false,
  run: (outputs) => {
    if (!topological(outputs).some((node) => axisOf(node) !== undefined)) return outputs;
    return rewrite(outputs, (node, [x, indices]) => {
      const axis = axisOf(node);
      return axis !== undefined && x && indices ? [ofAllRows(x, indices, axis, node.outputs[0].shape)] : undefined;
    });
  },
};

/** For fewer rows, turning an array around takes as long as that saves. */
const fewest = 4;

/** The axis along which a node looks up single numbers in several rows, so many that turning the rows around is less work. */
function axisOf(node: Node): number | undefined {
  if (!is(node, Gather)) return undefined;
  const [x, indices] = node.inputs;
  const { axis } = node.attributes;
  const [places, count] = [x.shape[axis], indices.shape[0]];
  if (indices.rank !== 1 || typeof places !== "number" || typeof count !== "number" || count < places) return undefined;
  const single = sizeOf(x.shape.slice(axis + 1)) === 1;
  return single && likelySize(x.shape.slice(0, axis)) >= fewest ? axis : undefined;
}

function ofAllRows(x: Value, indices: Value, axis: number, shape: Shape): Value {
  const rows = Reshape(x, [sizeOf(x.shape.slice(0, axis)), at(x.shape, axis)]);
  return Reshape(transposeLast(Gather(transposeLast(rows), indices, 0)), shape);
}
