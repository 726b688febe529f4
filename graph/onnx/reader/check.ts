// What is refused of a model before any of it is read, and how errors say which node of which file they are about.
import { ELEMENT_TYPES, InnerloopError, type NumericName, show } from "@innerloop/schemas";
import { ONNX_IR_VERSION, type onnx } from "@innerloop/schemas/onnx";
import { type Shape, showShape } from "../../core/shapes.ts";
import { readableOpsets } from "../opsets.ts";
import { newestName } from "../upgrade/index.ts";
import { type Functions, graphsOf, isStandard, nodesWithin } from "./functions.ts";

type GraphProto = onnx.GraphProto.$Properties;
type NodeProto = onnx.NodeProto.$Properties;
type OpsetImports = readonly onnx.OperatorSetIdProto.$Properties[];

/**
 * The opset that a model imports, or a function where it says another.
 * @param otherwise what holds where none is said
 * @throws InnerloopError where it is none that is read
 */
export function opsetOf(imports: OpsetImports, source: string, otherwise?: number): number {
  const { oldest, newest } = readableOpsets;
  const standard = imports.find(({ domain }) => isStandard(domain));
  if (!standard && otherwise !== undefined) return otherwise;
  const opset = Number(standard?.version ?? 0);
  if (opset >= oldest && opset <= newest) return opset;
  throw new InnerloopError(
    "unsupported-opset",
    `${source} is written in ${standard ? `opset ${opset} of ai.onnx` : "no opset of ai.onnx"}; opsets ${oldest} to ${newest} are read; ` +
      `export the model again with opset_version=${Math.min(Math.max(opset, 17), newest)}.`,
  );
}

/** What is to be said of a model that is read all the same. */
export function notesOf({ irVersion }: onnx.ModelProto, source: string): string[] {
  if (Number(irVersion) <= ONNX_IR_VERSION) return [];
  return [
    `${source} has ONNX IR version ${irVersion}, which is newer than ${ONNX_IR_VERSION}, the newest known; what it has was understood, ` +
      "but a field of a later version would have been passed over",
  ];
}

/** What a node's operator is called among those that are read: of another domain than ONNX's own, after that. */
export const operatorName = ({ domain, opType }: NodeProto): string =>
  isStandard(domain) ? (opType ?? "") : `${domain}.${opType}`;

/** The nodes whose operators are not supported. */
export const unknownNodes = (
  nodes: readonly NodeProto[],
  opset: number,
  functions: Functions,
  readable: ReadonlySet<string>,
): NodeProto[] =>
  nodesWithin(nodes).filter((node) => !readable.has(newestName(operatorName(node), opset)) && !functions.of(node));

/** Every operator that is not supported is named at once, so that nobody has to find them one by one. */
export function refuseUnknown(
  nodes: readonly NodeProto[],
  opset: number,
  functions: Functions,
  readable: ReadonlySet<string>,
  source: string,
): void {
  const unknown = unknownNodes(nodes, opset, functions, readable);
  if (unknown.length === 0) return;
  const listed = unknown.slice(0, 5).map((node) => `${node.domain ? `${node.domain}.` : ""}${labelOf(node)}`);
  const more = unknown.length > listed.length ? `, and ${unknown.length - listed.length} more` : "";
  const fitted = unknown.every(({ domain, opType }) => domain === "ai.onnx.ml" && /Tree|SVM/.test(opType ?? ""));
  throw new InnerloopError(
    "unsupported-operator",
    `${source} has operators that are not supported: ${listed.join(", ")}${more}; ` +
      (fitted
        ? "trees and support vectors are fitted by other means than a gradient, and constant between their thresholds: " +
          "there is nothing in them to differentiate or to adapt; give what they make as an input."
        : `${readable.size} operators of ai.onnx are read, which docs/operators.md lists; ` +
          "export the model without these, or write them with operators of the list."),
  );
}

/** The graph of a model and those inside it, in its nodes. */
export function graphsWithin(graph: GraphProto): GraphProto[] {
  const found = [graph];
  for (const each of found) for (const node of each.node ?? []) found.push(...graphsOf(node));
  return found;
}

/** Gives names that no graph has. */
export function namesBeside(
  graphs: readonly GraphProto[],
  functions: readonly onnx.FunctionProto.$Properties[],
): () => string {
  const taken = new Set<string>();
  for (const { node, input, output, initializer } of graphs) {
    for (const list of [input, output, initializer]) for (const { name } of list ?? []) taken.add(name ?? "");
    for (const { input, output } of node ?? [])
      for (const name of [...(input ?? []), ...(output ?? [])]) taken.add(name);
  }
  for (const { node } of functions)
    for (const { input, output } of nodesWithin(node ?? []))
      for (const name of [...(input ?? []), ...(output ?? [])]) taken.add(name);
  let count = 0;
  return () => {
    let name: string;
    do name = `upgrade/${count++}`;
    while (taken.has(name));
    return name;
  };
}

/** A name that stands for two things would stand for the one or the other, as a reader likes. */
export function refuseRepeated(graph: GraphProto, source: string): void {
  const named = (list: readonly { readonly name?: string | null }[] | null | undefined) =>
    (list ?? []).map(({ name }) => name ?? "");
  const made = (graph.node ?? []).flatMap(({ output }) => (output ?? []).filter((name) => name !== ""));
  const stored = named(graph.initializer);
  const inputs = named(graph.input);
  const lists: [what: () => string, names: string[]][] = [
    [() => "what an initializer, an input or a node makes", [...new Set([...stored, ...inputs]), ...made]],
    [() => "initializers", stored],
    [() => "inputs", inputs],
    [() => "outputs", named(graph.output)],
  ];
  for (const node of graph.node ?? [])
    if (node.attribute?.length) lists.push([() => `attributes of ${labelOf(node)}`, named(node.attribute)]);
  for (const [what, names] of lists) {
    const seen = new Set([""]);
    const repeated = names.find((name) => seen.size === seen.add(name).size);
    if (repeated === undefined) continue;
    throw new InnerloopError(
      "bad-model",
      `${source}: ${what()}: the name ${show(repeated)} is ${repeated === "" ? "no name" : "there twice"}; give each its own name.`,
    );
  }
}

const labelOf = (node: NodeProto): string =>
  `${show(node.opType).slice(1, -1)} (node ${show(node.name || node.output?.[0] || "without a name")})`;

/** Says which node of which file an error is about. */
export function inNode<T>(node: NodeProto, source: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof InnerloopError)
      throw new InnerloopError(error.code, `${source && `${source}: `}${labelOf(node)}: ${error.message}`, {
        cause: error,
      });
    // An operator's rule met what no exporter writes: an input that is missing, a list that is empty, a number for a size.
    const reason = error instanceof Error ? error.message : String(error);
    throw new InnerloopError(
      "bad-model",
      `${source && `${source}: `}${labelOf(node)} has inputs or attributes that do not go together (${reason}); export the model again.`,
      { cause: error },
    );
  }
}

/** Whether what is said of an array's axes cannot be: another number of them, or another size where both have one. */
function contradicts(said: readonly onnx.TensorShapeProto.Dimension.$Properties[], shape: Shape): boolean {
  if (said.length !== shape.length) return true;
  return said.some(({ dimValue }, axis) => {
    const size = shape[axis];
    // Some exporters have −1 for a size that is open.
    const known = dimValue === undefined || dimValue === null || Number(dimValue) === -1 ? size : Number(dimValue);
    return typeof size === "number" && known !== size;
  });
}

/**
 * An initializer that is an input too has to be what the input says.
 * @param storedAs the array that is stored by a name
 */
export function refuseContradictions(
  { input }: GraphProto,
  storedAs: (name: string) => { readonly stored: NumericName; readonly shape: Shape } | undefined,
  source: string,
): void {
  for (const { name, type } of input ?? []) {
    const array = storedAs(name ?? "");
    const said = type?.tensorType;
    if (!array || !said) continue;
    const isOther = said.elemType && said.elemType !== ELEMENT_TYPES[array.stored].onnx;
    if (!isOther && !(said.shape && contradicts(said.shape.dim ?? [], array.shape))) continue;
    throw new InnerloopError(
      "bad-model",
      `${source}: the input ${show(name)} is said to be of another type or shape than what is stored for it, ` +
        `${array.stored}${showShape(array.shape)}; export the model again.`,
    );
  }
}

/** What files say of the shapes of outputs is often older than the model; what it makes holds, and that is told. */
export function notesOfShapes(
  output: readonly onnx.ValueInfoProto.$Properties[],
  made: Readonly<Record<string, { readonly shape: Shape }>>,
  source: string,
): string[] {
  return output.flatMap(({ name, type }) => {
    if (type?.sequenceType || type?.mapType)
      return [
        `${source} gives ${show(name)} as a list of tables from classes to numbers; here it is the array of these numbers`,
      ];
    const [said, value] = [type?.tensorType?.shape, made[name ?? ""]];
    if (!said || !value || !contradicts(said.dim ?? [], value.shape)) return [];
    const text = (said.dim ?? []).map(({ dimValue, dimParam }) => dimParam || String(dimValue ?? "?")).join(", ");
    return [`${source} says that its output ${show(name)} is of the shape [${text}]; it is ${showShape(value.shape)}`];
  });
}
