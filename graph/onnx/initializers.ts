// The numbers in an ONNX file, whatever its operators are.
import { show, type Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import type { ModelFiles } from "./files.ts";
import { StoredTensor } from "./tensors.ts";

/**
 * The float32 arrays that a file holds as initializers, by their names.
 * @param source the file's name, for messages
 * @param files what lies beside it, where its numbers may be
 * @throws InnerloopError where it is no ONNX file, or an array does not fill its shape
 */
export function readInitializers(
  bytes: Uint8Array,
  source: string,
  files?: ModelFiles,
): Readonly<Record<string, Tensor>> {
  const found: [string, Tensor][] = (decodeModel(bytes, source).graph?.initializer ?? []).flatMap((tensor) => {
    const stored = new StoredTensor(tensor, `${source}: the initializer ${show(tensor.name)}`, files);
    return stored.stored === "float32" ? [[tensor.name ?? "", stored.tensor()]] : [];
  });
  return Object.fromEntries(found);
}
