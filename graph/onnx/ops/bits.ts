// Whole numbers and matrices as ONNX has them.
import { InnerloopError } from "@innerloop/schemas";
import { constant } from "../../core/build.ts";
import { normalizeAxis } from "../../core/shapes.ts";
import type { Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { PadBy, SliceBy } from "../../ops/internal/computed.ts";
import { AsNumbers } from "../../ops/internal/sizes.ts";
import { choice, elementType, flag, floats, int, ints, optionalType, text, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import { writing } from "../writer/form.ts";

/** A part from the middle of each axis, or what there is with zeros around it. */
function centerCropPad(c: Call, { axes: listed }: { readonly axes: readonly number[] | undefined }): Value {
  const x = c.value(0);
  const axes = (listed ?? [...x.shape.keys()]).map((axis) => normalizeAxis(axis, x.rank, "CenterCropPad"));
  const [along, target] = [constant(axes, [axes.length], "int64"), op.Cast(c.value(1), "int64")];
  const sizes = (value: Value): Value => AsNumbers(axes.map((axis) => value.shape[axis] ?? 1));
  const half = (value: Value): Value => op.Div(value, constant(2, [], "int64"));
  const missing = op.Max(op.Sub(target, sizes(x)), 0);
  const before = half(missing);
  const pads = op.Concat([before, op.Sub(missing, before)], 0);
  const padded = PadBy(x, pads, "constant", undefined, along, axes);
  const start = half(op.Sub(sizes(padded), target));
  return SliceBy(padded, start, op.Add(start, target), along, undefined, axes);
}

export const bits = {
  BitCast: onnxOperator({ attributes: { to: elementType() }, read: (c, { to }) => op.BitCast(c.value(0), to) }),
  BitShift: onnxOperator({
    attributes: { direction: choice("LEFT", "RIGHT") },
    read: (c, { direction }) => op.BitShift(c.value(0), c.value(1), direction),
  }),
  CenterCropPad: onnxOperator({ attributes: { axes: ints() }, read: centerCropPad }),
  CumProd: onnxOperator({
    attributes: { exclusive: int(0), reverse: int(0) },
    read(c, options) {
      const x = c.value(0);
      if (c.isConstant(1)) return op.CumProd(x, c.single(1), options);
      const axis = op.Reshape(c.value(1), []);
      const along = [...x.shape.keys()].map((i) => ({ i, y: op.CumProd(x, i, options) }));
      const is = (i: number) => op.Or(op.Equal(axis, i), op.Equal(axis, i - x.rank));
      return along.reduce((other, { i, y }) => op.Where(is(i), y, other), x);
    },
  }),
  Einsum: onnxOperator({
    attributes: { equation: text() },
    read: (c, { equation }) => op.Einsum(equation, ...c.values()),
  }),
  EyeLike: onnxOperator({
    attributes: { dtype: optionalType(), k: int(0) },
    read: (c, { dtype, k }) => op.EyeLike(c.value(0), { k, ...(dtype && { dtype }) }),
  }),
  Hardmax: onnxOperator({ attributes: { axis: int(-1) }, read: (c, { axis }) => op.Hardmax(c.value(0), axis) }),
  IsInf: onnxOperator({
    attributes: { detect_negative: flag(true), detect_positive: flag(true) },
    read(c, { detect_negative: negative, detect_positive: positive }) {
      const x = c.value(0);
      if (negative && positive) return op.IsInf(x);
      if (!negative && !positive) return op.ConstantOfShape(x.shape, 0, "bool");
      return op.And(op.IsInf(x), positive ? op.Greater(x, 0) : op.Less(x, 0));
    },
  }),
  Mod: onnxOperator({
    attributes: { fmod: flag(false) },
    read: (c, { fmod }) => op.Mod(c.value(0), c.value(1), { fmod }),
  }),
  ReverseSequence: onnxOperator({
    attributes: { batch_axis: int(1), time_axis: int(0) },
    read: (c, { batch_axis: batchAxis, time_axis: timeAxis }) =>
      op.ReverseSequence(c.value(0), c.value(1), { batchAxis, timeAxis }),
  }),
  TfIdfVectorizer: onnxOperator({
    attributes: {
      mode: choice("TF", "IDF", "TFIDF"),
      min_gram_length: int(1),
      max_gram_length: int(1),
      max_skip_count: int(0),
      ngram_counts: ints(),
      ngram_indexes: ints(),
      pool_int64s: ints(),
      weights: floats(),
    },
    read(c, { mode, weights, pool_int64s: pool, ...groups }) {
      if (!pool)
        throw new InnerloopError("unsupported-attribute", "has no pool_int64s; groups of strings are not supported.");
      return op.TfIdfVectorizer(c.value(0), {
        ...{ mode, pool, weights, least: groups.min_gram_length, most: groups.max_gram_length },
        ...{ skips: groups.max_skip_count, starts: groups.ngram_counts ?? [], places: groups.ngram_indexes ?? [] },
      });
    },
    write: writing(op.TfIdfVectorizer, ({ attributes: { mode, weights, ...groups } }, to) => ({
      input: to.inputs(),
      attribute: [
        written("mode", choice("TF"), mode),
        written("min_gram_length", int(), groups.least),
        written("max_gram_length", int(), groups.most),
        written("max_skip_count", int(), groups.skips),
        written("ngram_counts", ints(), groups.starts),
        written("ngram_indexes", ints(), groups.places),
        written("pool_int64s", ints(), groups.pool),
        ...(weights ? [written("weights", floats(), weights)] : []),
      ],
    })),
  }),
  Trilu: onnxOperator({
    attributes: { upper: flag(true) },
    read: (c, { upper }) => op.Trilu(c.value(0), c.optional(1), upper),
  }),
};
