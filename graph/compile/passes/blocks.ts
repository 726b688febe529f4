// The pass `blocks`: columns that one product reads are looked up and multiplied in pieces that stay in a processor's cache.
import { constant } from "../../core/build.ts";
import { at, upTo } from "../../core/lists.ts";
import { likelySize } from "../../core/shapes.ts";
import { is, madeBy, type Node, type Value } from "../../core/value.ts";
import { topological } from "../../core/walk.ts";
import { lookedUp } from "../../lowering/interleaved.ts";
import { Gather } from "../../ops/indexing.ts";
import { MatMul } from "../../ops/linear-algebra.ts";
import { Reshape } from "../../ops/movement.ts";
import { Concat } from "../../ops/parts.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";
import { usesIn } from "../reading.ts";

export const blocks: Pass = {
  name: "blocks",
  why: "The columns of a convolution of many pictures are nine times as large as these and do not fit a processor's cache, so that each of them is written to memory and read again. Where one product alone reads them, as in a gradient for the pictures, they are looked up and multiplied some places at a time, and only what comes out is put together.",
  everywhere: false,
  run: (outputs) => {
    const found = columnsOf(outputs);
    if (found.size === 0) return outputs;
    return rewrite(outputs, (node, inputs) => {
      const count = found.get(node);
      const [rows, weights] = inputs;
      return count && rows && weights ? [multiplied(node, rows, weights, count)] : undefined;
    });
  },
};

/** So many numbers are looked up at a time: a megabyte. */
const most = 1 << 18;
/** A product of fewer rows is slower than what is saved. */
const leastRows = 64;

/** Products whose columns nothing else reads, with the number of pieces that each becomes. */
function columnsOf(outputs: readonly Value[]): Map<Node, number> {
  const uses = usesIn(outputs);
  const alone = (value: Value): boolean => {
    if (uses.get(value) !== 1) return false;
    const reshaped = madeBy(value, Reshape);
    return !reshaped || alone(reshaped.inputs[0]);
  };
  const found = new Map<Node, number>();
  for (const node of topological(outputs)) {
    if (!is(node, MatMul)) continue;
    const [rows, weights] = node.inputs;
    if (weights.rank !== 2 || !lookedUp(rows) || !alone(rows)) continue;
    const pieces = Math.ceil(likelySize(rows.shape) / most);
    const fitting = Math.floor(likelySize(rows.shape.slice(0, -1)) / leastRows);
    const count = Math.min(pieces, fitting, placesOf(rows) ?? 1);
    if (count > 1) found.set(node, count);
  }
  return found;
}

/** For how many places of an example there are columns. */
function placesOf(rows: Value): number | undefined {
  const columns = lookedUp(rows);
  if (!columns) return undefined;
  const [width, channels] = [rows.shape.at(-1), columns.source.shape[2]];
  if (typeof width !== "number" || typeof channels !== "number") return undefined;
  const places = (columns.indices.length * channels) / width;
  return Number.isInteger(places) ? places : undefined;
}

function multiplied(node: Node, rows: Value, weights: Value, count: number): Value {
  const [y] = node.outputs;
  const columns = lookedUp(rows);
  const places = placesOf(rows);
  if (!columns || !places) return MatMul(rows, weights);
  const { source, indices } = columns;
  const taps = indices.length / places;
  const bounds = upTo(count + 1).map((i) => Math.round((i * places) / count));
  const parts = upTo(count).map((i) => {
    const own = indices.slice(at(bounds, i) * taps, at(bounds, i + 1) * taps);
    const read = Gather(source, constant(own, [own.length], "int32"), 1);
    const some = at(bounds, i + 1) - at(bounds, i);
    return MatMul(Reshape(read, [at(source.shape, 0), some, at(rows.shape, -1)]), weights);
  });
  return Reshape(Concat(parts, 1), y.shape);
}
