// Along sequences: running products, sequences turned round, and centres cut out.
import { constant } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { at, upTo } from "../core/lists.ts";
import { spelling } from "../core/operator.ts";
import { normalizeAxis } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Sub } from "./arithmetic.ts";
import { Greater, GreaterOrEqual, Less, LessOrEqual, Where } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { GatherElements } from "./indexing.ts";
import { Expand, Reshape } from "./internal/broadcasting.ts";
import { counted } from "./internal/counting.ts";
import { Unsqueeze } from "./movement.ts";
import { ReduceProd } from "./reduction.ts";

spelling("CumProd", "reduction", 26, "Range, LessOrEqual, Where, ReduceProd", "running product along an axis");
/** ONNX CumProd: each product is taken on its own, of the numbers that it is made of and ones. */
export function CumProd(x: Value, axis: number, { exclusive = 0, reverse = 0 } = {}): Value {
  const along = normalizeAxis(axis, x.rank, "CumProd");
  const size = at(x.shape, along);
  // On the axis that is put in lie the factors, on the one before it the products.
  const shaped = (place: number) =>
    Reshape(
      counted(size),
      upTo(x.rank + 1).map((i): Dim => (i === place ? size : 1)),
    );
  const [product, factor] = [shaped(along), shaped(along + 1)];
  const compare = reverse ? (exclusive ? Greater : GreaterOrEqual) : exclusive ? Less : LessOrEqual;
  const factors = Where(compare(factor, product), Unsqueeze(x, [along]), 1);
  return ReduceProd(factors, { axes: [along + 1], keepdims: false });
}

spelling("ReverseSequence", "movement", 10, "Range, Where, GatherElements", "the beginnings of sequences turned round");
/** ONNX ReverseSequence: of each example as many entries as `lengths` says, from the last to the first. */
export function ReverseSequence(x: Value, lengths: Value, { batchAxis = 1, timeAxis = 0 } = {}): Value {
  const along = (axis: number) => x.shape.map((dim, i) => (i === axis ? dim : 1));
  const time = Reshape(counted(at(x.shape, timeAxis)), along(timeAxis));
  const length = Reshape(Cast(lengths, "int64"), along(batchAxis));
  const last = Sub(length, constant(1, [], "int64"));
  const read = Where(Less(time, length), Sub(last, time), time);
  return GatherElements(x, Expand(read, x.shape), timeAxis);
}

spelling("CenterCropPad", "movement", 18, "Pad, Slice", "a part from the middle of axes, or all with zeros around it");
