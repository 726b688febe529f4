// What of a model cannot be read: every node, where reading stops at the first, with the nearest way out.
import { InnerloopError } from "@innerloop/schemas";
import { decodeModel, type onnx } from "@innerloop/schemas/onnx";
import { type ReadOptions, readableOperators, readModel } from "./read.ts";
import { operatorName, opsetOf, unknownNodes } from "./reader/check.ts";
import { Functions, nodesWithin } from "./reader/functions.ts";

type NodeProto = onnx.NodeProto.$Properties;

/** A node that cannot be read. */
export interface Problem {
  /** The node's name, or that of what it makes. */
  readonly node: string;
  readonly operator: string;
  /** Of `ai.onnx`, or of the domain that the operator is from. */
  readonly opset: number;
  /** What is wrong. */
  readonly message: string;
  /** The nearest way out. */
  readonly advice: string;
}

/**
 * Every node of a model that cannot be read, but for those that read only what other such nodes make.
 * @throws InnerloopError where the file itself, its opset, its names or its inputs are not what is read
 */
export function surveyOnnx(bytes: Uint8Array, source: string, options: ReadOptions = {}): Problem[] {
  const model = decodeModel(bytes, source);
  const opset = opsetOf(model.opsetImport, source, 0);
  const opsets = new Map(model.opsetImport.map(({ domain, version }) => [domain ?? "", Number(version)]));
  const found: Problem[] = [];
  const add = (node: NodeProto, message: string, advice: string) =>
    found.push({
      node: node.name || node.output?.[0] || "",
      operator: operatorName(node),
      opset: opsets.get(node.domain ?? "") ?? opset,
      message,
      advice,
    });
  const functions = new Functions(model, source);
  const unknown = new Set(unknownNodes(model.graph?.node ?? [], opset, functions, new Set(readableOperators)));
  for (const node of unknown) add(node, "it is no operator that is read", wayOut(node));
  const lost = new Set<string>();
  let begun = false;
  try {
    readModel(model, source, options, (node, read) => {
      begun = true;
      const lose = () => {
        for (const name of node.output ?? []) if (name !== "") lost.add(name);
      };
      // Of nodes with bodies, what is in these is listed.
      const isUnknown = nodesWithin([node]).some((each) => unknown.has(each));
      if (isUnknown || (node.input ?? []).some((name) => lost.has(name))) return lose();
      try {
        read();
      } catch (error) {
        if (!(error instanceof InnerloopError)) throw error;
        const { code, cause } = error;
        if (code === "too-large") throw error;
        lose();
        add(node, cause instanceof Error ? cause.message : error.message, "");
      }
    });
  } catch (error) {
    // Outputs that no node could make; anything that is wrong before the first node is about the file.
    if (!begun || found.length === 0) throw error;
  }
  return found;
}

/** Domains of operators that are not in the standard's own, and what to do about them. */
const domains: readonly (readonly [string, string])[] = [
  ["com.microsoft", "ONNX Runtime's optimizer or quantizer put it in: take the file as it was before"],
  [
    "ai.onnx.preview.training",
    "it is a training step: export the network without it, and let innerloop make the steps",
  ],
  [
    "ai.onnx.ml",
    "it is a tree, a table or a kernel machine: numbers do not flow back through it; give what it makes as an input",
  ],
];

/** Operators on what are no arrays of numbers. */
const noNumbers =
  /^(String|Sequence|SplitToSequence|Optional|ConcatFromSequence|RegexFullMatch|TfIdfVectorizer|LabelEncoder|ImageDecoder)/;

/** The nearest way around an operator that is not read. */
function wayOut({ domain, opType }: NodeProto): string {
  const known = domains.find(([name]) => domain?.startsWith(name));
  if (known) return known[1];
  if (domain && domain !== "ai.onnx")
    return `it is an operator of ${domain}: export the model with operators of ai.onnx, or with the function that says what it is made of`;
  if (noNumbers.test(opType ?? ""))
    return "it computes with texts or lists, not with arrays of numbers: cut the model behind it, and give what it makes as an input";
  return "write that step with other operators and export the model again (PyTorch: dynamo=True spells more of them); docs/operators.md lists those that are read";
}
