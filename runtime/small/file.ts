// A model as it stands in an .onnx file: nodes with their attributes and graphs, and numbers.
import { InnerloopError, type Tensor } from "@innerloop/schemas/bundle";
import { readTensor } from "../overrides.ts";
import { type Field, fieldsOf, graphOf, nameOf, readVarint } from "../wire.ts";

/** What an attribute may be here. */
interface Attribute {
  readonly ints: readonly number[];
  readonly float?: number;
  readonly graph?: Graph;
  readonly tensor?: Tensor;
}

export interface Node {
  readonly operator: string;
  /** Empty names are what is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly initializers: Readonly<Record<string, Tensor>>;
  readonly nodes: readonly Node[];
}

/** The code of {@link refused}, which no caller of a learner sees. */
export const notSmall = "not-small";

/** The error for what is not computed here. */
export const refused = (what: string): InnerloopError => new InnerloopError(notSmall, `${what} is not computed here`);

/** @throws InnerloopError `onnx-unreadable`; `not-small` for numbers that are stored in a way that is not read here */
export const readGraph = (model: Uint8Array): Graph => graphIn(model, graphOf(model));

function graphIn(bytes: Uint8Array, message: Field): Graph {
  const fields = fieldsOf(bytes, message);
  const of = (number: number) => fields.filter((field) => field[0] === number);
  const named = (number: number) => of(number).map((field) => nameOf(bytes, field, valueName));
  return {
    inputs: named(graphInput),
    outputs: named(graphOutput),
    initializers: Object.fromEntries(
      of(graphInitializer).map((field) => [nameOf(bytes, field, tensorName), tensorIn(bytes, field)]),
    ),
    nodes: of(graphNode).map((field) => nodeIn(bytes, field)),
  };
}

function tensorIn(bytes: Uint8Array, field: Field): Tensor {
  const tensor = readTensor(bytes, field, {});
  if (tensor) return tensor;
  throw refused(`the array ${nameOf(bytes, field, tensorName)}`);
}

function nodeIn(bytes: Uint8Array, message: Field): Node {
  const fields = fieldsOf(bytes, message);
  const texts = (number: number) =>
    fields.flatMap(([field, , start, end]) =>
      field === number ? [new TextDecoder().decode(bytes.subarray(start, end))] : [],
    );
  const [operator = ""] = texts(nodeOperator);
  const [domain = ""] = texts(nodeDomain);
  const attributes = fields.filter(([field]) => field === nodeAttribute);
  return {
    operator: domain === "" ? operator : `${domain}.${operator}`,
    inputs: texts(nodeInput),
    outputs: texts(nodeOutput),
    attributes: Object.fromEntries(attributes.map((field) => [nameOf(bytes, field, 1), attributeIn(bytes, field)])),
  };
}

function attributeIn(bytes: Uint8Array, message: Field): Attribute {
  const fields = fieldsOf(bytes, message);
  const first = (number: number) => fields.find((field) => field[0] === number);
  const [float, tensor, graph] = [first(attributeFloat), first(attributeTensor), first(attributeGraph)];
  const ints = fields.flatMap(([field, , start, end, value]) => {
    if (field === attributeInt) return [signed(bytes, start, end)];
    if (field !== attributeInts) return [];
    if (value !== undefined) return [signed(bytes, start, end)];
    const packed: number[] = [];
    for (let at = start; at < end; ) {
      const [, next] = readVarint(bytes, at, end);
      packed.push(signed(bytes, at, next));
      at = next;
    }
    return packed;
  });
  return {
    ints,
    ...(float ? { float: new DataView(bytes.buffer, bytes.byteOffset + float[2]).getFloat32(0, true) } : {}),
    ...(tensor ? { tensor: tensorIn(bytes, tensor) } : {}),
    ...(graph ? { graph: graphIn(bytes, graph) } : {}),
  };
}

/** A varint that has a sign, as int64 is written. */
function signed(bytes: Uint8Array, start: number, end: number): number {
  let value = 0n;
  for (let at = end - 1; at >= start; at--) value = (value << 7n) | BigInt(bytes[at]! & 127);
  return Number(BigInt.asIntN(64, value));
}

// Field numbers of onnx.proto.
const [graphNode, graphInitializer, graphInput, graphOutput] = [1, 5, 11, 12];
const [nodeInput, nodeOutput, nodeOperator, nodeAttribute, nodeDomain] = [1, 2, 4, 5, 7];
const [attributeFloat, attributeInt, attributeTensor, attributeGraph, attributeInts] = [2, 3, 5, 6, 8];
const [valueName, tensorName] = [1, 8];
