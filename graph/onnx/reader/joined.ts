// Weights that an exporter stored once because they were equal, as fresh norms and copies of a layer are: told apart again by who reads
// them, so that each learns on its own. What the model itself shares (a layer that is applied twice, an embedding that is the output
// as well) stays one weight.
import { show } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { isFloat } from "../../core/operator.ts";
import type { ModelFiles } from "../files.ts";
import { StoredTensor } from "../tensors.ts";
import { constantPrefix } from "../writer/constants.ts";
import { UniqueNames } from "../writer/names.ts";
import { type ModuleOf, modulesOf } from "./modules.ts";
import { type Tied, transposedTwins } from "./twins.ts";

type GraphProto = onnx.GraphProto.$Properties;
type NodeProto = onnx.NodeProto.$Properties;

/** Which weights of a model are shared, and which were stored as though they were. */
export interface Sharing {
  /** Weights that several nodes read: one weight for all of them. */
  readonly tied: readonly Tied[];
  /** Arrays of the file that are several weights, which had the same numbers when the model was exported. */
  readonly apart: readonly { readonly stored: string; readonly names: readonly string[] }[];
}

/** A place where a node reads a weight. */
interface Read {
  readonly node: NodeProto;
  readonly input: number;
  /** What it is called there: its own name, or that of a copy. */
  readonly name: string;
}

/** Reads that are one weight, by what they are told apart by. */
type Groups = Map<string, Read[]>;

const labelOf = ({ opType, name, output }: NodeProto): string => `${opType} ${name || output?.[0] || ""}`.trim();

/**
 * The graph with an initializer for each weight.
 * @param source the file, for messages
 */
export function toldApart(
  graph: GraphProto,
  source: string,
  files: ModelFiles | undefined,
): { readonly graph: GraphProto; readonly sharing: Sharing } {
  const nodes = graph.node ?? [];
  const stored = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? "", tensor]));
  const outputs = new Set((graph.output ?? []).map(({ name }) => name ?? ""));
  const inputs = new Set((graph.input ?? []).map(({ name }) => name ?? ""));
  const { reads, copies } = readsOf(nodes, stored, outputs);
  const modules = modulesOf(nodes);
  const names = new UniqueNames();
  for (const name of [...stored.keys(), ...inputs, ...nodes.flatMap(({ output }) => output ?? [])]) names.take(name);
  const [renamed, gone] = [new Map<NodeProto, Map<number, string>>(), new Set<NodeProto>()];
  const added: onnx.TensorProto.$Properties[] = [];
  const [tied, apart]: [Tied[], Sharing["apart"][number][]] = [[], []];
  for (const [name, list] of reads) {
    const proto = stored.get(name);
    if (!proto || list.length < 2 || name.startsWith(constantPrefix)) continue;
    const tensor = new StoredTensor(proto, `${source}: the initializer ${show(name)}`, files);
    if (!isFloat(tensor.dtype) || tensor.shape.length === 0 || tensor.size < 2) continue;
    const groups = inputs.has(name) ? new Map([[name, list]]) : grouped(name, list, modules, tensor);
    if (groups.size < 2) {
      if (!list.every(isMeasured)) tied.push({ name, readers: list.map(({ node }) => labelOf(node)) });
      continue;
    }
    const home = homeOf(name, groups, modules);
    const called = [...groups].map(([key, group]) => {
      if (key === home.key) return name;
      const copy = group.find((read) => read.name !== name && copies.has(read.name))?.name;
      const unique = copy ?? names.unique(nameBeside(name, key, home.module));
      added.push({ ...proto, name: unique });
      for (const { node, input } of group) renamed.set(node, (renamed.get(node) ?? new Map()).set(input, unique));
      const copying = copy === undefined ? undefined : copies.get(copy);
      if (copying) gone.add(copying);
      return unique;
    });
    apart.push({ stored: name, names: called });
  }
  const separate = nodes.flatMap((node): NodeProto[] => {
    if (gone.has(node)) return [];
    const changed = renamed.get(node);
    if (!changed) return [node];
    return [{ ...node, input: (node.input ?? []).map((name, i) => changed.get(i) ?? name) }];
  });
  const whole = { ...graph, node: separate, initializer: [...(graph.initializer ?? []), ...added] };
  const twins = transposedTwins(whole, source, files);
  return { graph: twins.graph, sharing: { tied: [...tied, ...twins.tied], apart } };
}

/** Where weights are read, and the nodes that only give one another name. */
function readsOf(nodes: readonly NodeProto[], stored: ReadonlyMap<string, unknown>, outputs: ReadonlySet<string>) {
  const copies = new Map<string, NodeProto>();
  const root = new Map([...stored.keys()].map((name) => [name, name]));
  const reads = new Map<string, Read[]>();
  for (const node of nodes) {
    const [from = ""] = node.input ?? [];
    const [to = ""] = node.output ?? [];
    const original = root.get(from);
    if (node.opType === "Identity" && !node.domain && original !== undefined && !outputs.has(to)) {
      root.set(to, original);
      copies.set(to, node);
      continue;
    }
    for (const [input, name] of (node.input ?? []).entries()) {
      const weight = root.get(name);
      if (weight !== undefined) addTo(reads, weight, { node, input, name });
    }
  }
  return { reads, copies };
}

function addTo(lists: Map<string, Read[]>, key: string, read: Read): void {
  const list = lists.get(key);
  if (list) list.push(read);
  else lists.set(key, [read]);
}

/** Reads of one array, by weight. */
function grouped(name: string, reads: readonly Read[], modules: Modules, tensor: StoredTensor): Groups {
  const uniform = isUniform(tensor);
  const keyOf = keys(name, reads, modules, uniform);
  const groups: Groups = new Map();
  for (const read of reads) {
    const key = isMeasured(read) ? `${keyOf(read)}/measured` : keyOf(read);
    addTo(groups, key, read);
  }
  // Numbers that are no pattern and are read in different ways are those of one weight, such as an embedding that is the output as well.
  const kinds = new Set(reads.map(({ node, input }) => `${node.opType} ${input}`));
  const isLookedUp = reads.some(({ node, input }) => node.opType === "Gather" && input === 0);
  const isOne = !uniform && (kinds.size > 1 || isLookedUp);
  return isOne ? new Map([[name, [...reads]]]) : groups;
}

/** Whether what is read are statistics, which are no weights. */
const isMeasured = ({ node, input }: Read): boolean => node.opType === "BatchNormalization" && input > 2;

type Modules = { readonly ofMetadata: ModuleOf; readonly ofName: ModuleOf };

/** What the reads of an array are told apart by. */
function keys(name: string, reads: readonly Read[], modules: Modules, uniform: boolean): (read: Read) => string {
  const hasCopies = reads.some((read) => read.name !== name);
  // PyTorch's older exporter gives each parameter that it joined its own name, and what it made of one a number.
  const isNumbered = (text: string) => /^(onnx::\w+_)?\d+$/.test(text);
  if (hasCopies) return ({ node, name: called }) => (isNumbered(called) ? (modules.ofName(node) ?? called) : called);
  if (reads.every(({ node }) => modules.ofMetadata(node) !== undefined))
    return ({ node }) => modules.ofMetadata(node) ?? name;
  // Where nodes are named by their modules, nothing was joined without a copy.
  if (reads.some(({ node }) => modules.ofName(node) !== undefined)) return () => name;
  return uniform ? ({ node, input }) => `${node.output?.[0]}/${input}` : () => name;
}

/** Whether an array has the same number everywhere, as norms and biases have before they have learned. */
function isUniform(tensor: StoredTensor): boolean {
  const { data } = tensor.tensor();
  for (let i = 1; i < data.length; i++) if (data[i] !== data[0]) return false;
  return true;
}

/** The group that keeps the name, and its module where the name is that of a parameter of it. */
function homeOf(name: string, groups: Groups, modules: Modules): { readonly key: string; readonly module?: string } {
  for (const [key, reads] of groups)
    for (const { node } of reads) {
      const module = modules.ofMetadata(node);
      if (module && name.startsWith(`${module}.`)) return { key, module };
    }
  const [first = name] = [...groups.keys()].filter((key) => groups.get(key)?.some((read) => read.name === name));
  return { key: groups.has(first) ? first : ([...groups.keys()][0] ?? name) };
}

/** "layers.1.norm.bias" for what is "layers.0.norm.bias" at home. */
function nameBeside(name: string, module: string, home: string | undefined): string {
  return home === undefined ? `${module}/${name}` : `${module}${name.slice(home.length)}`;
}

/** What is to be said of weights that were told apart. */
export function notesOfSharing({ apart }: Sharing, source: string): string[] {
  if (apart.length === 0) return [];
  const weights = apart.reduce((total, { names }) => total + names.length, 0);
  const [first] = apart;
  const some = first ? first.names.slice(0, 3).join(", ") : "";
  return [
    `${source} stores ${weights} weights as ${apart.length} arrays, since these had the same numbers when it was exported; each is a weight of ` +
      `its own here: ${some}${weights > 3 ? " and so on" : ""}`,
  ];
}
