// What is refused of a model before any of it is read, and how errors say which node of which file they are about.
import { InnerloopError, show } from "@innerloop/schemas";
import { ONNX_IR_VERSION, type onnx } from "@innerloop/schemas/onnx";
import { readableOpsets } from "../opsets.ts";
import { newestName } from "../upgrade/index.ts";

type GraphProto = onnx.GraphProto.$Properties;
type NodeProto = onnx.NodeProto.$Properties;

/** Whether a domain is ONNX's own, `ai.onnx`, which files may leave out. */
const isStandard = (domain: string | null | undefined): boolean => !domain || domain === "ai.onnx";

/** The opset of a model. @throws InnerloopError where it is none that is read */
export function opsetOf(model: onnx.ModelProto, source: string): number {
  const { oldest, newest } = readableOpsets;
  const standard = model.opsetImport.find(({ domain }) => isStandard(domain));
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

/** Every operator that is not supported is named at once, so that nobody has to find them one by one. */
export function refuseUnknown(graph: GraphProto, opset: number, readable: ReadonlySet<string>, source: string): void {
  const unknown = (graph.node ?? []).filter(
    ({ domain, opType }) => !isStandard(domain) || !readable.has(newestName(opType ?? "", opset)),
  );
  if (unknown.length === 0) return;
  const listed = unknown.slice(0, 5).map((node) => `${node.domain ? `${node.domain}.` : ""}${labelOf(node)}`);
  const more = unknown.length > listed.length ? `, and ${unknown.length - listed.length} more` : "";
  throw new InnerloopError(
    "unsupported-operator",
    `${source} has operators that are not supported: ${listed.join(", ")}${more}; ` +
      `${readable.size} operators of ai.onnx are read, which docs/operators.md lists; ` +
      "export the model without these, or write them with operators of the list.",
  );
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
      throw new InnerloopError(error.code, `${source}: ${labelOf(node)}: ${error.message}`, { cause: error });
    // An operator's rule met what no exporter writes: an input that is missing, a list that is empty, a number for a size.
    const reason = error instanceof Error ? error.message : String(error);
    throw new InnerloopError(
      "bad-model",
      `${source}: ${labelOf(node)} has inputs or attributes that do not go together (${reason}); export the model again.`,
      { cause: error },
    );
  }
}
