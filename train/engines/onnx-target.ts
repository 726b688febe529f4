// How graphs are written for a provider of ONNX Runtime: as everywhere, but for what WebGPU lacks.
import { constant, type Lowering, onnxTarget, op, type Target, type Value } from "@innerloop/graph";
import type { ProviderName } from "@innerloop/runtime/session";
import { exactTrigonometry } from "./tfjs-target.ts";

/**
 * The WebGPU provider of ONNX Runtime 1.30 fails on many shapes that broadcast ("raw_hash_map::at"), in this operator alone.
 * Sizes that are open stay as they are.
 */
const powerOfOneShape: Lowering = (inputs, _, [power]) => {
  const { shape } = power!;
  if (shape.some((size) => typeof size !== "number") || inputs.every((it) => it.shape.join() === shape.join()))
    return undefined;
  return [op.Pow(...(inputs.map((it) => spread(it, shape as readonly number[])) as [Value, Value]))];
};

/** A value at a shape that it broadcasts to, by gathering: an Expand would be left out again. */
function spread(x: Value, shape: readonly number[]): Value {
  const ranked = op.Reshape(x, [...new Array<number>(shape.length - x.rank).fill(1), ...x.shape]);
  return shape.reduce<Value>((spreading, size, axis) => {
    if (spreading.shape[axis] === size) return spreading;
    return op.Gather(spreading, constant(new Array<number>(size).fill(0), [size], "int64"), axis);
  }, ranked);
}

/** The target of a provider, for graphs that compute in float32 alone or partly in float16. */
export function onnxTargetOf(provider: ProviderName, precision?: "float16"): Target {
  const plain = onnxTarget(precision ? { precision } : {});
  if (provider !== "webgpu") return plain;
  return { ...plain, lowerings: { ...plain.lowerings, ...exactTrigonometry, Pow: powerOfOneShape } };
}
