// What is computed while a graph runs and is an input of ONNX's operators: parts, borders, axes, and sizes as numbers.
import { ComputedPad } from "../../ops/internal/computed.ts";
import { ComputedCumSum } from "../../ops/internal/reducing.ts";
import { AsNumbers } from "../../ops/internal/sizes.ts";
import { choice, flag, int, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { writing } from "../writer/form.ts";

/** Nodes that have in a file the inputs that they have, and no attributes. */
const asIs = onnxOperator({ write: (_, to) => ({ input: to.inputs() }) });

/** Reductions, whose axes are an input. */
const reductionBy = onnxOperator({
  write: ({ attributes: { keepdims = true, noop = false } }, to) => ({
    input: to.inputs(),
    attribute: [written("keepdims", flag(true), keepdims), written("noop_with_empty_axes", flag(false), noop)],
  }),
});

/** By the names of the graph's operators: none of these is read under its name. */
export const computed = {
  AsNumbers: onnxOperator({
    write: writing(AsNumbers, ({ attributes: { dims, scalar } }, to) => ({
      input: [scalar ? to.scalarSize(dims[0] ?? 1) : to.shape(dims)],
    })),
  }),
  AsSizes: asIs,
  CumSumBy: onnxOperator({
    write: writing(ComputedCumSum, ({ attributes: { exclusive, reverse } }, to) => ({
      input: to.inputs(),
      attribute: [written("exclusive", int(), exclusive), written("reverse", int(), reverse)],
    })),
  }),
  PadBy: onnxOperator({
    write: writing(ComputedPad, ({ attributes: { mode } }, to) => ({
      input: to.inputs(),
      attribute: [written("mode", choice("constant"), mode)],
    })),
  }),
  ReduceMaxBy: reductionBy,
  ReduceMinBy: reductionBy,
  ReduceProdBy: reductionBy,
  ReduceSumBy: reductionBy,
  ReshapeBy: asIs,
  SliceBy: asIs,
  SqueezeBy: asIs,
  TileBy: asIs,
  UnsqueezeBy: asIs,
};
