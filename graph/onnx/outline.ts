// The names in an ONNX file as they stand there, without its numbers: what one looks through to find a tensor in it.
import { bytesOf, elementNameOf, isNumeric, show, sizeOf } from "@innerloop/schemas";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { externalBytes, type ModelFiles } from "./files.ts";
import { withStoredConstants } from "./reader/constants.ts";
import { sizeOfInput } from "./reader/sizes.ts";

/** A node of a file, by the names of what it reads and gives; an input that is left out is "". */
export interface OutlinedNode {
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface Outline {
  /** The version of `ai.onnx` that it is written in. */
  readonly opset: number;
  /** Those that are no weights. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OutlinedNode[];
  /** The names of the arrays that the file has. */
  readonly stored: ReadonlySet<string>;
  /** The files beside it that have numbers of them. */
  readonly beside: ReadonlySet<string>;
  /** What it says of itself. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Looks at an ONNX file.
 * @param source the file's name, for messages
 * @throws InnerloopError where it is no ONNX file
 */
export function outlineOnnx(bytes: Uint8Array, source: string): Outline {
  const { graph: decoded, opsetImport, metadataProps } = decodeModel(bytes, source);
  const graph = decoded && withStoredConstants(decoded);
  const named = (list: readonly { readonly name?: string | null }[] | null | undefined) =>
    (list ?? []).map(({ name }) => name ?? "");
  const stored = new Set(named(graph?.initializer));
  return {
    opset: Number(opsetImport.find(({ domain }) => !domain || domain === "ai.onnx")?.version ?? 0),
    inputs: named(graph?.input).filter((name) => !stored.has(name)),
    outputs: named(graph?.output),
    nodes: (graph?.node ?? []).map(({ opType, name, input, output }) => ({
      type: opType ?? "",
      name: name ?? "",
      inputs: input ?? [],
      outputs: output ?? [],
    })),
    stored,
    beside: new Set(
      (graph?.initializer ?? []).flatMap(({ externalData }) =>
        (externalData ?? []).flatMap(({ key, value }) => (key === "location" && value ? [value] : [])),
      ),
    ),
    metadata: new Map((metadataProps ?? []).map(({ key, value }) => [key ?? "", value ?? ""])),
  };
}

/** Arrays of fewer bytes are shapes and the like, which ONNX Runtime wants to see when it opens a model. */
const largestInside = 4096;

/**
 * The same model with other outputs, any of its tensors, and with its small arrays inside.
 * @param source the file's name, for messages
 * @throws InnerloopError where it is no ONNX file, or a file beside it has not what it says
 */
export function withOutputs(
  bytes: Uint8Array,
  source: string,
  outputs: readonly string[],
  files?: ModelFiles,
): Uint8Array {
  const model = decodeModel(bytes, source);
  const { graph } = model;
  if (!graph) return bytes;
  const known = new Map((graph.output ?? []).map((info) => [info.name, info]));
  const initializer = (graph.initializer ?? []).map((tensor): onnx.TensorProto.$Properties => {
    if (tensor.dataLocation !== onnx.TensorProto.DataLocation.EXTERNAL) return tensor;
    const { dataType, dims, name, externalData } = tensor;
    const stored = elementNameOf(dataType ?? 0);
    const length = stored && isNumeric(stored) ? bytesOf(stored, sizeOf((dims ?? []).map(Number))) : Infinity;
    if (!(length <= largestInside)) return tensor;
    const where = `${source}: the initializer ${show(name)}`;
    return {
      name: name ?? "",
      dataType: dataType ?? 0,
      dims: dims ?? [],
      rawData: externalBytes(externalData ?? [], length, where, files)(),
    };
  });
  const output = outputs.map((name) => known.get(name) ?? { name });
  return encodeModel({ ...model, graph: { ...graph, initializer, output } });
}

/**
 * The same model with known sizes in the place of open ones of its inputs.
 * @param sizes by the names of the sizes, as a read model has them; of one without a name `input_axis0`
 * @throws InnerloopError where it is no ONNX file
 */
export function withSizes(bytes: Uint8Array, source: string, sizes: Readonly<Record<string, number>>): Uint8Array {
  if (Object.keys(sizes).length === 0) return bytes;
  const model = decodeModel(bytes, source);
  const { graph } = model;
  if (!graph) return bytes;
  const input = (graph.input ?? []).map((info) => {
    const tensorType = info.type?.tensorType;
    const dim = tensorType?.shape?.dim?.map((given, axis) => {
      const open = sizeOfInput(given, info.name ?? "", axis);
      const size = typeof open === "number" ? undefined : sizes[open];
      return size === undefined ? given : { dimValue: size };
    });
    return dim ? { ...info, type: { ...info.type, tensorType: { ...tensorType, shape: { dim } } } } : info;
  });
  return encodeModel({ ...model, graph: { ...graph, input } });
}
