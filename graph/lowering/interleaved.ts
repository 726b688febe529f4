// Pools and convolutions side by side: windows that do not overlap cut what a convolution gives into as many parts as they have places.
// Each part is a product of its own with the columns of its places, so that nothing is taken apart before a pool or put together after it.
import { constant, constantOf } from "../core/build.ts";
import { multiplyDims } from "../core/dims.ts";
import { at } from "../core/lists.ts";
import { likelySize, sameShape } from "../core/shapes.ts";
import { madeBy, type Value } from "../core/value.ts";
import { Gather } from "../ops/indexing.ts";
import { unshaped } from "../ops/internal/unshaped.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";

/** From so many numbers on, moving an array takes longer than the nodes that save it. */
const large = 1 << 15;

/** A part of an array `[N, places, C]`: `[N, some of them, C]`, and which these are. */
export interface Part {
  readonly value: Value;
  readonly places: readonly number[];
}

/** What is looked up along the places of `[N, places, C]`, and where. */
export function lookedUp(value: Value): { readonly source: Value; readonly indices: readonly number[] } | undefined {
  const gathered = madeBy(unshaped(value), Gather);
  if (gathered?.attributes.axis !== 1 || gathered.inputs[0].rank !== 3) return undefined;
  const numbers = constantOf(gathered.inputs[1]);
  return numbers?.shape.length === 1 ? { source: gathered.inputs[0], indices: [...numbers.data] } : undefined;
}

/** The same where every place is looked up once: in another order, that is. */
export function reordered(value: Value): ReturnType<typeof lookedUp> {
  const found = lookedUp(value);
  if (!found || !sameShape(unshaped(value).shape, found.source.shape)) return undefined;
  return new Set(found.indices).size === found.source.shape[1] ? found : undefined;
}

/** The parts that an array was put together of in another order. */
export function partsOf(value: Value): Part[] | undefined {
  const { source, indices = [] } = reordered(value) ?? {};
  const joined = source && madeBy(source, Concat);
  if (joined?.attributes.axis !== 1 || likelySize(value.shape) < large) return undefined;
  const places = new Array<number>(indices.length);
  indices.forEach((index, place) => {
    places[index] = place;
  });
  let start = 0;
  return joined.inputs.map((part) => {
    const from = start;
    start += Number(part.shape[1]);
    return { value: part, places: places.slice(from, start) };
  });
}

/**
 * What a convolution by columns gives at some places, list by list.
 * @param y its result, `[N, …space, C]`
 * @param lists places, which together are all of them
 */
export function convolvedAt(y: Value, lists: readonly (readonly number[])[]): Value[] | undefined {
  const product = madeBy(unshaped(y), MatMul);
  const [rows, weights] = product?.inputs ?? [];
  const columns = rows && lookedUp(rows);
  const examples = y.shape[0];
  if (!columns || !weights || rows.rank !== 2 || weights.rank !== 2 || examples === undefined) return undefined;
  const { source, indices } = columns;
  const places = lists.reduce((sum, list) => sum + list.length, 0);
  const taps = indices.length / places;
  if (source.shape[0] !== examples || !Number.isInteger(taps) || likelySize(y.shape) < large) return undefined;
  if (multiplyDims(examples, places) !== rows.shape[0]) return undefined;
  return lists.map((list) => {
    const order = list.flatMap((place) => indices.slice(place * taps, (place + 1) * taps));
    const read = Gather(source, constant(order, [order.length], "int32"), 1);
    const own = Reshape(read, [multiplyDims(examples, list.length), at(rows.shape, 1)]);
    return Reshape(MatMul(own, weights), [examples, list.length, at(weights.shape, 1)]);
  });
}
