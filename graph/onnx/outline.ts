// The names in an ONNX file as they stand there, without its numbers: what one looks through to find a tensor in it.
import { decodeModel, encodeModel } from "@innerloop/schemas/onnx";

/** A node of a file, by the names of what it reads and gives; an input that is left out is "". */
export interface OutlinedNode {
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface Outline {
  /** Those that are no weights. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OutlinedNode[];
  /** The names of the arrays that the file has. */
  readonly stored: ReadonlySet<string>;
}

/**
 * Looks at an ONNX file.
 * @param source the file's name, for messages
 * @throws InnerloopError where it is no ONNX file
 */
export function outlineOnnx(bytes: Uint8Array, source: string): Outline {
  const { graph } = decodeModel(bytes, source);
  const named = (list: readonly { readonly name?: string | null }[] | null | undefined) =>
    (list ?? []).map(({ name }) => name ?? "");
  const stored = new Set(named(graph?.initializer));
  return {
    inputs: named(graph?.input).filter((name) => !stored.has(name)),
    outputs: named(graph?.output),
    nodes: (graph?.node ?? []).map(({ opType, name, input, output }) => ({
      type: opType ?? "",
      name: name ?? "",
      inputs: input ?? [],
      outputs: output ?? [],
    })),
    stored,
  };
}

/**
 * The same model with other outputs, any of its tensors.
 * @param source the file's name, for messages
 * @throws InnerloopError where it is no ONNX file
 */
export function withOutputs(bytes: Uint8Array, source: string, outputs: readonly string[]): Uint8Array {
  const model = decodeModel(bytes, source);
  const { graph } = model;
  if (!graph) return bytes;
  const known = new Map((graph.output ?? []).map((info) => [info.name, info]));
  return encodeModel({ ...model, graph: { ...graph, output: outputs.map((name) => known.get(name) ?? { name }) } });
}
