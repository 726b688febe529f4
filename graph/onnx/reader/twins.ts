// An embedding that is the output as well, which exporters store twice: as it is looked up, and transposed as it is multiplied with. The
// second is read as the first again, so that they stay one weight.
import { ELEMENT_TYPES, show } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { isFloat } from "../../core/operator.ts";
import type { ModelFiles } from "../files.ts";
import { elementNamed, StoredTensor } from "../tensors.ts";

type GraphProto = onnx.GraphProto.$Properties;
type NodeProto = onnx.NodeProto.$Properties;

/** The most embeddings that are looked at, and the most arrays of the shape of one. */
const mostLike = 64;

/** A weight that several nodes read. */
export interface Tied {
  readonly name: string;
  readonly readers: readonly string[];
}

/** The graph in which transposed copies of embeddings are made of these. */
export function transposedTwins(
  graph: GraphProto,
  source: string,
  files: ModelFiles | undefined,
): { readonly graph: GraphProto; readonly tied: readonly Tied[] } {
  const nodes = graph.node ?? [];
  const readAs = (opTypes: readonly string[], input: number) =>
    new Set(nodes.flatMap((node) => (opTypes.includes(node.opType ?? "") ? [node.input?.[input] ?? ""] : [])));
  const [lookedUp, multiplied] = [readAs(["Gather"], 0), readAs(["MatMul", "Gemm"], 1)];
  const given = new Set((graph.input ?? []).map(({ name }) => name));
  if (lookedUp.size === 0 || multiplied.size === 0) return { graph, tied: [] };
  const matrices = (graph.initializer ?? []).filter(({ dims, dataType, name }) => {
    const element = elementNamed(dataType ?? 0);
    return dims?.length === 2 && element && isFloat(ELEMENT_TYPES[element].dtype) && !given.has(name);
  });
  const byShape = new Map<string, onnx.TensorProto.$Properties[]>();
  for (const matrix of matrices) {
    const key = (matrix.dims ?? []).join();
    byShape.set(key, [...(byShape.get(key) ?? []), matrix].slice(0, mostLike));
  }
  const embeddings = matrices.filter(({ name }) => lookedUp.has(name ?? "")).slice(0, mostLike);
  const made: NodeProto[] = [];
  const tied: Tied[] = [];
  const gone = new Set<string>();
  for (const embedding of embeddings)
    for (const other of byShape.get([...(embedding.dims ?? [])].reverse().join()) ?? []) {
      const [name, of] = [other.name ?? "", embedding.name ?? ""];
      if (name === of || gone.has(name) || !multiplied.has(name) || lookedUp.has(name)) continue;
      if (!isTransposed(embedding, other, source, files)) continue;
      gone.add(name);
      made.push({ opType: "Transpose", name: `${name}/tied`, input: [of], output: [name] });
      const readers = nodes.filter(({ input }) => input?.some((read) => read === name || read === of));
      tied.push({
        name: of,
        readers: readers.map(({ opType, name, output }) => `${opType} ${name || output?.[0] || ""}`),
      });
    }
  if (made.length === 0) return { graph, tied };
  const initializer = (graph.initializer ?? []).filter(({ name }) => !gone.has(name ?? ""));
  return { graph: { ...graph, node: [...made, ...nodes], initializer }, tied };
}

function isTransposed(
  a: onnx.TensorProto.$Properties,
  b: onnx.TensorProto.$Properties,
  source: string,
  files: ModelFiles | undefined,
): boolean {
  const [[rows = 0, columns = 0], [height = 0, width = 0]] = [(a.dims ?? []).map(Number), (b.dims ?? []).map(Number)];
  if (a.dataType !== b.dataType || rows !== width || columns !== height || rows < 2 || columns < 2) return false;
  const [first, second] = [a, b].map((tensor) =>
    new StoredTensor(tensor, `${source}: the initializer ${show(tensor.name)}`, files).tensor(),
  );
  const [x, y] = [first?.data ?? [], second?.data ?? []];
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) if (x[i * columns + j] !== y[j * rows + i]) return false;
  // The same number everywhere is no copy of anything.
  return x.length > 0 && !isConstant(x);
}

function isConstant(numbers: ArrayLike<number | bigint>): boolean {
  for (let i = 1; i < numbers.length; i++) if (numbers[i] !== numbers[0]) return false;
  return true;
}
