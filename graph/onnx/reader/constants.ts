// Weights that a file keeps in Constant nodes: PaddlePaddle's exporter stores no array otherwise, and PyTorch's some that it has turned.
import { ELEMENT_TYPES, sizeOf } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { isFloat } from "../../core/operator.ts";
import { elementNamed } from "../tensors.ts";

type GraphProto = onnx.GraphProto.$Properties;
type TensorProto = onnx.TensorProto.$Properties;

function isWeight({ dataType, dims }: TensorProto): boolean {
  const element = elementNamed(dataType ?? 0);
  return element !== undefined && isFloat(ELEMENT_TYPES[element].dtype) && sizeOf((dims ?? []).map(Number)) > 1;
}

/** The inputs that hold the weights of operators that only multiply by what they learned, or by another result. */
const factors: ReadonlyMap<string, readonly number[]> = new Map([
  ["MatMul", [0, 1]],
  ["Gemm", [0, 1]],
  ["Conv", [1]],
  ["ConvTranspose", [1]],
  ["RNN", [1, 2]],
  ["GRU", [1, 2]],
  ["LSTM", [1, 2]],
]);

/**
 * The graph with float arrays of its Constant nodes as initializers: all of them where it stores no float array of its own, else those
 * that are multiplied by.
 */
export function withStoredConstants(graph: GraphProto): GraphProto {
  const isBare = !(graph.initializer ?? []).some(isWeight);
  const multiplied = new Set(
    (graph.node ?? []).flatMap(({ opType, domain, input }) =>
      domain ? [] : (factors.get(opType ?? "") ?? []).map((i) => input?.[i] ?? ""),
    ),
  );
  const given = new Set((graph.output ?? []).map(({ name }) => name));
  const stored: TensorProto[] = [];
  const node = (graph.node ?? []).filter(({ opType, domain, output, attribute }) => {
    const [name = ""] = output ?? [];
    const tensor = opType === "Constant" && !domain ? attribute?.find((a) => a.name === "value")?.t : undefined;
    if (!tensor || name === "" || given.has(name) || !isWeight(tensor)) return true;
    if (!isBare && !multiplied.has(name)) return true;
    stored.push({ ...tensor, name });
    return false;
  });
  return stored.length === 0 ? graph : { ...graph, node, initializer: [...(graph.initializer ?? []), ...stored] };
}
