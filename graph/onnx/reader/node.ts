// Reading one node of the newest opset: what it gives for what its names stand for.
import { ELEMENT_TYPES, InnerloopError } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { spend } from "../../core/budget.ts";
import { constantOf } from "../../core/build.ts";
import { asConstants } from "../../core/evaluate.ts";
import { isKnown, sizeOf } from "../../core/shapes.ts";
import type { NarrowType } from "../../ops/narrowing.ts";
import { valuesOf } from "../attributes.ts";
import { asAuthored } from "../authored.ts";
import { readers } from "../ops/index.ts";
import { narrowed } from "../tensors.ts";
import { Call, type Names } from "./call.ts";
import { operatorName } from "./check.ts";
import { type Entry, isSizes } from "./entry.ts";
import { asSizes } from "./sizes.ts";

type NodeProto = onnx.NodeProto.$Properties;

/** The most numbers of a result that is worked out while the model is read. */
const largestFold = 4096;

/** The names that a node reads and makes. */
export interface Knowing extends Names {
  /** Whether a name stands for numbers that nothing changes. */
  isFixed(name: string): boolean;
  set(name: string, entry: Entry, element?: NarrowType): void;
}

/** Reads one node of the newest opset. */
export function readNode(node: NodeProto, known: Knowing): void {
  spend("nodes", 1);
  const call = new Call(node, known);
  const outputs = node.output ?? [];
  const result = resultOf(call, node, known);
  const results = isEntry(result) ? [result] : result;
  if (call.usedOutputs > results.length)
    throw new InnerloopError(
      "unsupported-output",
      `its output "${outputs[results.length]}" is used, which is not supported; only the first ${results.length === 1 ? "is" : results.length}.`,
    );
  for (const [i, entry] of results.entries()) {
    const name = outputs[i] ?? "";
    if (name !== "") known.set(name, entry, elementOf(entry, call, node, known));
  }
}

/** The element type of a result: what its entry said, else that of the first input of its dtype, as ONNX's operators have it. */
function elementOf(entry: Entry, call: Call, { input }: NodeProto, known: Knowing): NarrowType | undefined {
  if (isSizes(entry)) return undefined;
  if (call.given) return narrowed(call.given);
  for (const name of input ?? []) {
    const element = name === "" ? undefined : known.element?.(name);
    if (element && ELEMENT_TYPES[element].dtype === entry.dtype) return element;
  }
  return undefined;
}

const isEntry = (result: Entry | readonly Entry[]): result is Entry => !Array.isArray(result);

/** What a node becomes: of sizes that are open, sizes, where it is one that works on them; what depends on no input, constants. */
function resultOf(call: Call, node: NodeProto, known: Knowing): Entry | readonly Entry[] {
  const name = operatorName(node);
  const reader = readers.get(name);
  if (!reader) throw new Error(`${name} has no reader`);
  const given = valuesOf(reader.attributes, node);
  if (reader.sizes && call.has(0)) {
    const entries = call.entries();
    const sizes = entries.some(isSizes) && entries.every((entry) => asSizes(entry) !== undefined);
    const result = sizes ? reader.sizes(call, given) : undefined;
    if (result) return result;
  }
  const result = reader.read(call, given);
  // A graph inside the node may read what no input says.
  const closed = !node.attribute?.some(({ g }) => g);
  const allFixed = closed && (node.input ?? []).every((input) => input === "" || known.isFixed(input));
  const settled = allFixed ? (isEntry(result) ? folded(result) : result.map(folded)) : result;
  return asAuthored(name, reader, call, given, settled);
}

/** The numbers of a result that depends on no input. */
function folded(entry: Entry): Entry {
  if (isSizes(entry) || constantOf(entry) || entry.node.operator.traits?.random) return entry;
  if (!isKnown(entry.shape) || sizeOf(entry.shape) > largestFold) return entry;
  return asConstants([entry])[0] ?? entry;
}
