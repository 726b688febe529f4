// The numbers in an ONNX file, whatever its operators are.
import { show, type Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import { numbersOf } from "./tensors.ts";

/**
 * The float32 arrays that a file holds as initializers, by their names.
 * @param source the file's name, for messages
 * @throws InnerloopError where it is no ONNX file, or an array does not fill its shape
 */
export function readInitializers(bytes: Uint8Array, source: string): Readonly<Record<string, Tensor>> {
  const found: [string, Tensor][] = (decodeModel(bytes, source).graph?.initializer ?? []).flatMap((tensor) => {
    const { stored, shape, data } = numbersOf(tensor, `${source}: the initializer ${show(tensor.name)}`);
    if (stored !== "float32") return [];
    return [[tensor.name ?? "", { dtype: "float32", shape: [...shape], data: Float32Array.from(data) }]];
  });
  return Object.fromEntries(found);
}
