// Reductions as ONNX has them since opset 18, in which the axes of most became an input; the sum has had them there since 13.
import { addDims, type Dim, multiplyDims } from "../../core/dims.ts";
import { normalizeAxis } from "../../core/shapes.ts";
import type { Entry, One, Value } from "../../core/value.ts";
import { Cast } from "../../ops/dtypes.ts";
import * as op from "../../ops/index.ts";
import { counted } from "../../ops/internal/counting.ts";
import { CumSumBy, reductionsBy } from "../../ops/internal/reducing.ts";
import type { ReduceOptions } from "../../ops/reduction.ts";
import { flag, int, ints, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { sizes } from "../reader/sizes.ts";
import { type Form, type Writing, writing } from "../writer/form.ts";

/** The opset in which the axes of reductions became an input. */
const axesAreInput = 18;

type Reduced = { readonly axes: readonly number[]; readonly keepdims: boolean };
type Apply = (x: Value, options: ReduceOptions) => Value;

/**
 * A reduction.
 * @param combine what it does to sizes, from a start on
 * @param since the opset in which its axes became an input
 */
const reduction = (
  name: keyof typeof reductionsBy,
  apply: Apply | (Apply & Entry<Reduced, One, One>),
  {
    combine,
    start = 0,
    since = axesAreInput,
  }: { combine?: (a: Dim, b: Dim) => Dim; start?: number; since?: number } = {},
) =>
  onnxOperator({
    attributes: { keepdims: flag(true), noop_with_empty_axes: flag(false) },
    read: (c, { keepdims, noop_with_empty_axes: none }) => {
      const list = c.isConstant(1) ? undefined : c.value(1);
      if (list && list.shape[0] !== 0) return reductionsBy[name](c.value(0), Cast(list, "int64"), keepdims, none);
      const axes = list ? [] : (c.numbers(1) ?? []);
      if (axes.length > 0) return apply(c.value(0), { axes, keepdims });
      return none ? c.value(0) : apply(c.value(0), { keepdims });
    },
    sizes: (c, { keepdims }) =>
      combine && sizes([c.sizes(0).dims.reduce(combine, start)], keepdims ? "list" : "scalar"),
    write: "operator" in apply ? writing(apply, (node, to) => reduced(node.attributes, to, since)) : undefined,
  });

function reduced({ axes, keepdims }: Reduced, to: Writing, since: number): Form {
  const kept = written("keepdims", flag(true), keepdims);
  return to.opset >= since
    ? { input: [to.input(0), to.list(axes)], attribute: [kept] }
    : { input: to.inputs(), attribute: [written("axes", ints(), axes), kept] };
}

/** The place of the largest or smallest number along an axis. */
const place = (
  apply: (x: Value, axis: number, keepdims: boolean) => Value,
  best: (x: Value, options: ReduceOptions) => Value,
) =>
  onnxOperator({
    attributes: { axis: int(0), keepdims: flag(true), select_last_index: flag(false) },
    read: (c, { keepdims, ...options }) => {
      const x = c.value(0);
      const axis = normalizeAxis(options.axis, x.rank, "axis");
      if (!options.select_last_index) return apply(x, axis, keepdims);
      const size = x.shape[axis] ?? 1;
      const places = op.Reshape(
        counted(size),
        x.shape.map((_, i) => (i === axis ? size : 1)),
      );
      const found = op.Where(op.Equal(x, best(x, { axes: [axis] })), places, -1);
      return op.ReduceMax(found, { axes: [axis], keepdims });
    },
  });

export const reductions = {
  ArgMax: place(op.ArgMax, op.ReduceMax),
  ArgMin: place(op.ArgMin, op.ReduceMin),
  CumSum: onnxOperator({
    attributes: { exclusive: int(0), reverse: int(0) },
    read: (c, options) =>
      c.isConstant(1) ? op.CumSum(c.value(0), c.single(1), options) : CumSumBy(c.value(0), c.value(1), options),
    write: writing(op.CumSum, ({ attributes: { axis, exclusive, reverse } }, to) => ({
      input: [to.input(0), to.scalar(axis)],
      attribute: [written("exclusive", int(), exclusive), written("reverse", int(), reverse)],
    })),
  }),
  ReduceL1: reduction("ReduceL1", op.ReduceL1),
  ReduceL2: reduction("ReduceL2", op.ReduceL2),
  ReduceLogSum: reduction("ReduceLogSum", op.ReduceLogSum),
  ReduceLogSumExp: reduction("ReduceLogSumExp", op.ReduceLogSumExp),
  ReduceMax: reduction("ReduceMax", op.ReduceMax),
  ReduceMean: reduction("ReduceMean", op.ReduceMean),
  ReduceMin: reduction("ReduceMin", op.ReduceMin),
  ReduceProd: reduction("ReduceProd", op.ReduceProd, { combine: multiplyDims, start: 1 }),
  ReduceSum: reduction("ReduceSum", op.ReduceSum, { combine: addDims, since: 13 }),
  ReduceSumSquare: reduction("ReduceSumSquare", op.ReduceSumSquare),
};
