// ONNX nodes as they were authored: one that graphs spell in several operators stays one node that remembers which ONNX operator
// it was, so that it is written as it was read. What it is made of is what its entry reads it as.
import type { DType } from "@innerloop/schemas";
import { apply, constant, constantOf } from "../core/build.ts";
import { toldIn } from "../core/fresh.ts";
import { isAuthored } from "../core/operator.ts";
import {
  type Attribute,
  type Attributes,
  type Inputs,
  type Node,
  type NumberArray,
  type Operator,
  type Outputs,
  operandsOf,
  Value,
} from "../core/value.ts";
import { Reshape } from "../ops/movement.ts";
import { rules } from "../transforms/rules.ts";
import { type AttributeProto, written } from "./attributes.ts";
import type { KnownOperator, OnnxOperator, ReadOperator } from "./operator.ts";
import { Call, type Names } from "./reader/call.ts";
import { type Entry, isSizes, type Sizes } from "./reader/entry.ts";
import type { Form, Writing } from "./writer/form.ts";

/** What an operator's reader is given for its attributes, and the node's name. */
type Given = Readonly<Record<string, unknown>>;

/** Attributes of an authored node that are none of ONNX's: how many outputs it has if several, and inputs that are open sizes. */
const [outputCount, listPrefix, scalarPrefix] = ["outputs", "sizes/", "size/"];

/** The operators, by the entry that reads them and the opset that the node needs. */
const made = new WeakMap<ReadOperator["read"], Map<string, Operator>>();

/** What a node that is being made is made of, so that it is not built twice. */
let latest: Outputs | undefined;

function operatorOf(opType: string, reader: ReadOperator, since: number): Operator {
  const versions = made.get(reader.read) ?? new Map<string, Operator>();
  made.set(reader.read, versions);
  const key = `${opType} ${since}`;
  const known = versions.get(key);
  if (known) return known;
  const operator: Operator = {
    name: opType,
    family: "graph",
    summary: "as a model has it",
    since,
    writtenAs: opType,
    infer: (inputs, attributes) => latest ?? parts(opType, reader, inputs, attributes),
    decompose: (inputs, attributes) => parts(opType, reader, inputs, attributes),
  };
  versions.set(key, operator);
  return operator;
}

/** What the entry makes of a node with these inputs. */
function parts(opType: string, reader: ReadOperator, inputs: Inputs, attributes: Attributes): Outputs {
  const entries = entriesOf(inputs, attributes);
  const names: Names = {
    entry: (name) => entries[Number(name)] ?? constant(0),
    numbers(name) {
      const entry = entries[Number(name)];
      return entry instanceof Value ? constantOf(entry) : undefined;
    },
  };
  const count = Number(attributes[outputCount] ?? 1);
  const node = {
    opType,
    input: entries.map((entry, i) => (entry ? String(i) : "")),
    output: Array.from({ length: count }, (_, i) => String(i)),
  };
  const given = Object.entries(reader.attributes).map(([name, attribute]) => [
    name,
    attributes[name] ?? attribute.fallback,
  ]);
  const [first, ...others] = valuesOf(reader.read(new Call(node, names), Object.fromEntries(given))) ?? [];
  if (!first) throw new Error(`${opType} is made of nothing.`);
  return [first, ...others.slice(0, count - 1)];
}

/** The inputs of a node: values, sizes that are open, or nothing. */
function entriesOf(inputs: Inputs, attributes: Attributes): (Value | Sizes | undefined)[] {
  const entries: (Value | Sizes | undefined)[] = [...inputs];
  for (const [name, dims] of Object.entries(attributes)) {
    const prefix = [listPrefix, scalarPrefix].find((start) => name.startsWith(start));
    if (prefix === undefined || !isList(dims)) continue;
    entries[Number(name.slice(prefix.length))] = { axes: prefix === listPrefix ? "list" : "scalar", dims };
  }
  return Array.from(entries);
}

const isList = (value: unknown): value is readonly (number | string)[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === "number" || typeof entry === "string");

/** The outputs of a node where all of them are values. */
const valuesOf = (result: Entry | readonly Entry[]): readonly Value[] | undefined => {
  const list: readonly Entry[] = Array.isArray(result) ? result : [result];
  return list.every((entry) => entry instanceof Value) ? list : undefined;
};

/**
 * A node as it was authored, where what it was read as would be written as something else.
 * @param call the node, after its entry read it
 * @param given its attributes
 * @param result what its entry made of it
 */
export function asAuthored(
  opType: string,
  reader: KnownOperator,
  call: Call,
  given: Given,
  result: Entry | readonly Entry[],
): Entry | readonly Entry[] {
  const values = valuesOf(result)?.slice(0, Math.max(1, call.usedOutputs));
  const [first, ...others] = values ?? [];
  const attributes = values && comparable(reader, given);
  const inputs = call.authored();
  if (!first || !attributes || !inputs || reader.authored === false) return result;
  if (tellsSizes([first, ...others], inputs)) return result;
  const isGiven = (value: Value) => inputs.includes(value) || constantOf(value) !== undefined;
  if ([first, ...others].every(isGiven) || (others.length === 0 && isWrittenAlike(opType, first, isGiven)))
    return result;
  const sized = inputs.flatMap((entry, i): [string, Attribute][] =>
    entry && isSizes(entry) ? [[`${entry.axes === "list" ? listPrefix : scalarPrefix}${i}`, entry.dims]] : [],
  );
  const operands = inputs.map((entry) => (entry instanceof Value ? entry : undefined));
  // What only data tell of its sizes has to be told by something that the node reads; what it is made of has that.
  const shown = new Set(operandsOf({ inputs: operands }).flatMap(({ shape }) => shape.flatMap(toldIn)));
  const needed = inputs.flatMap((entry) => (entry && isSizes(entry) ? entry.dims.flatMap(toldIn) : []));
  if (needed.some((symbol) => !shown.has(symbol))) return result;
  const operator = operatorOf(opType, reader, reader.since(attributes, inputs.length, operands[0]?.rank ?? 0));
  latest = [first, ...others];
  try {
    return apply<Attributes, Inputs, Outputs>(operator, operands, {
      ...attributes,
      ...Object.fromEntries(sized),
      ...(others.length > 0 && { [outputCount]: 1 + others.length }),
    });
  } finally {
    latest = undefined;
  }
}

/**
 * Whether only data tell a size of what comes out, which none of the inputs has. Its name is of what tells it, so that would be
 * another one each time that the node is taken apart.
 */
function tellsSizes(outputs: readonly Value[], inputs: readonly (Value | Sizes | undefined)[]): boolean {
  const given = inputs.flatMap((entry) => (!entry ? [] : isSizes(entry) ? entry.dims : entry.shape));
  const known = new Set(given.flatMap(toldIn));
  return outputs.some(({ shape }) => shape.flatMap(toldIn).some((symbol) => !known.has(symbol)));
}

/** Whether what a node is read as is one operator that is written like it, and that simplification leaves alone. */
function isWrittenAlike(opType: string, y: Value, isGiven: (value: Value) => boolean): boolean {
  const { operator, inputs, attributes } = y.node;
  if (operator.decompose || !operandsOf({ inputs }).every(isGiven)) return false;
  if (operator === Reshape.operator) return true;
  if (operator.name !== opType) return false;
  return operator.family === "movement" || rules.get(operator)?.rewrite(inputs, attributes, y) === undefined;
}

/** The attributes that are not left at what holds without them; undefined where one is nothing that nodes are compared by. */
function comparable(reader: ReadOperator, given: Given): Record<string, Attribute> | undefined {
  const kept: Record<string, Attribute> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === reader.attributes[name]?.fallback) continue;
    if (!isComparable(value)) return undefined;
    kept[name] = value;
  }
  return kept;
}

function isComparable(value: unknown): value is Attribute {
  if (typeof value !== "object" || value === null) return ["number", "string", "boolean"].includes(typeof value);
  if (isList(value)) return true;
  return isArray(value) && (!("stored" in value) || value.stored === value.dtype);
}

const isArray = (value: object): value is NumberArray & { readonly stored?: DType } =>
  "dtype" in value && "shape" in value && "data" in value && value.data instanceof Float64Array;

/** The opset that nodes need which are written as they were authored. */
export const opsetFor = (nodes: readonly Node[]): number =>
  nodes.reduce((most, { operator }) => (isAuthored(operator) ? Math.max(most, operator.since ?? 0) : most), 0);

/** The inputs and attributes of an authored node in a file. */
export function authoredForm({ inputs, attributes }: Node, entry: OnnxOperator, to: Writing): Form {
  const names = to.inputs();
  const input = entriesOf(inputs, attributes).map((given, i) => {
    if (!given) return "";
    if (given instanceof Value) return names[i] ?? "";
    const [dim = 1] = given.dims;
    return given.axes === "list" ? to.shape(given.dims) : to.scalarSize(dim);
  });
  const attribute = Object.entries(entry.attributes).flatMap(([name, kind]): AttributeProto[] =>
    attributes[name] === undefined ? [] : [written(name, kind, attributes[name])],
  );
  return { input, attribute };
}
