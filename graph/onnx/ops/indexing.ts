// Looking up and putting in by index, as ONNX has it.
import { InnerloopError } from "@innerloop/schemas";
import { normalizeAxis } from "../../core/shapes.ts";
import type { Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { type ScatterReduction, withPlaces } from "../../ops/internal/scattering.ts";
import { choice, int, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import { type Form, type Writing, writing } from "../writer/form.ts";

const reduction = choice("none", "add", "mul", "max", "min");

/** New keys or values of attention put behind those that are there, at a place of its own for each example. */
function tensorScatter(c: Call, { axis: counted, mode }: { readonly axis: number; readonly mode: string }): Value {
  const [past, update] = [c.value(0), c.value(1)];
  const axis = normalizeAxis(counted, past.rank, "TensorScatter");
  if (axis === 0) throw new InnerloopError("bad-model", "puts along axis 0, which is that of the examples.");
  const [examples = 1, length = 1] = [past.shape[0], update.shape[axis]];
  const starts = c.optional(2) ?? op.ConstantOfShape([examples], 0, "int64");
  const along = (dim: number) => update.shape.slice(0, axis + 1).map((size, i) => (i === dim ? size : 1));
  const steps = op.Reshape(op.Range(length), along(axis));
  const places = op.Add(op.Reshape(op.Cast(starts, "int64"), along(0)), steps);
  const size = op.Size(op.Range(past.shape[axis] ?? 1));
  const wrapped = mode === "circular" ? op.Mod(places, size) : places;
  const shape = [...update.shape.slice(0, axis + 1), 1];
  const indices = op.Unsqueeze(op.Expand(wrapped, shape.slice(0, -1)), [-1]);
  return op.ScatterND(past, withPlaces(indices, axis), update);
}

/** The largest and the smallest are known since opset 18. */
function scattered(how: ScatterReduction, to: Writing, axis?: number): Form {
  if (to.opset < 18 && (how === "max" || how === "min"))
    throw new InnerloopError("unsupported-operator", `opset ${to.opset} scatters no ${how}; write opset 18 or newer.`, {
      exitStatus: 2,
    });
  const along = axis === undefined ? [] : [written("axis", int(), axis)];
  return { input: to.inputs(), attribute: [...along, written("reduction", reduction, how)] };
}

export const indexing = {
  GatherElements: onnxOperator({
    attributes: { axis: int(0) },
    read: (c, { axis }) => op.GatherElements(c.value(0), c.value(1), axis),
  }),
  GatherND: onnxOperator({
    attributes: { batch_dims: int(0) },
    read: (c, { batch_dims: batchDims }) => op.GatherND(c.value(0), c.value(1), batchDims),
    write: (_, to) => ({ input: to.inputs() }),
  }),
  ScatterElements: onnxOperator({
    attributes: { axis: int(0), reduction },
    read: (c, { axis, reduction }) => op.ScatterElements(c.value(0), c.value(1), c.value(2), axis, reduction),
    write: writing(op.ScatterElements, ({ attributes: { axis, reduction } }, to) => scattered(reduction, to, axis)),
  }),
  ScatterND: onnxOperator({
    attributes: { reduction },
    read: (c, { reduction }) => op.ScatterND(c.value(0), c.value(1), c.value(2), reduction),
    write: writing(op.ScatterND, ({ attributes }, to) => scattered(attributes.reduction, to)),
  }),
  TensorScatter: onnxOperator({
    attributes: { axis: int(-2), mode: choice("linear", "circular") },
    read: tensorScatter,
  }),
};
