// A graph of TensorFlow's operations as the file that TensorFlow opens: a SavedModel without variables (tensorflow/core/protobuf/
// saved_model.proto, meta_graph.proto and tensorflow/core/framework/graph.proto, node_def.proto, attr_value.proto, tensor.proto).
import { Writer } from "@innerloop/schemas/onnx";

/** An attribute of an operation, as tfjs-node has it. */
export interface Attribute {
  readonly name: string;
  /** Which kind it is: one of {@link AttributeKinds}. */
  readonly type: number;
  readonly value: number | string | boolean | readonly number[];
}

/** The numbers by which tfjs-node tells the kinds of attributes apart. */
export type AttributeKinds = Readonly<
  Record<"TF_ATTR_STRING" | "TF_ATTR_INT" | "TF_ATTR_FLOAT" | "TF_ATTR_BOOL" | "TF_ATTR_TYPE" | "TF_ATTR_SHAPE", number>
>;

/** A node; what it reads is written as `node:output`. */
export type GraphNode = { readonly name: string } & (
  | { readonly kind: "input"; readonly dtype: number; readonly shape: readonly number[] }
  | {
      readonly kind: "constant";
      readonly dtype: number;
      readonly shape: readonly number[];
      readonly data: Float32Array | Int32Array | Uint8Array;
    }
  | {
      readonly kind: "operation";
      readonly operation: string;
      readonly attributes: readonly Attribute[];
      readonly inputs: readonly string[];
    }
);

type Message = (writer: Writer) => void;

/** The tag of a field: numbers, 32 bits, and what has a length. */
const tags = { number: 0, length: 2, float: 5 } as const;
const tag = (field: number, type: keyof typeof tags): number => (field << 3) | tags[type];

const message = (writer: Writer, field: number, write: Message): void => {
  writer.uint32(tag(field, "length")).fork();
  write(writer);
  writer.ldelim();
};
const string = (writer: Writer, field: number, value: string): void => {
  writer.uint32(tag(field, "length")).string(value);
};
const number = (writer: Writer, field: number, value: number): void => {
  writer.uint32(tag(field, "number"));
  writer.int64(value);
};

/** The version of the graph's format: so new that TensorFlow makes up for nothing that old graphs had otherwise. */
const producer = 1205;

/** The file `saved_model.pb`, of one graph under the tag "serve". */
export function savedModel(nodes: readonly GraphNode[], kinds: AttributeKinds): Uint8Array {
  const writer = Writer.create();
  number(writer, 1, 1);
  message(writer, 2, (metaGraph) => {
    message(metaGraph, 1, (about) => string(about, 4, "serve"));
    message(metaGraph, 2, (graph) => {
      for (const node of nodes) message(graph, 1, (writer) => writeNode(writer, node, kinds));
      message(graph, 4, (versions) => number(versions, 1, producer));
    });
  });
  return writer.finish();
}

function writeNode(writer: Writer, node: GraphNode, kinds: AttributeKinds): void {
  const attribute = (name: string, write: Message) =>
    message(writer, 5, (entry) => {
      string(entry, 1, name);
      message(entry, 2, write);
    });
  string(writer, 1, node.name);
  if (node.kind === "operation") {
    string(writer, 2, node.operation);
    for (const input of node.inputs) string(writer, 3, input);
    for (const each of node.attributes) attribute(each.name, (value) => writeAttribute(value, each, kinds));
    return;
  }
  const { dtype, shape } = node;
  string(writer, 2, node.kind === "input" ? "Placeholder" : "Const");
  attribute("dtype", (value) => number(value, 6, dtype));
  if (node.kind === "input") attribute("shape", (value) => message(value, 7, (sizes) => writeShape(sizes, shape)));
  else {
    const { buffer, byteOffset, byteLength } = node.data;
    attribute("value", (value) =>
      message(value, 8, (tensor) => {
        number(tensor, 1, dtype);
        message(tensor, 2, (sizes) => writeShape(sizes, shape));
        tensor.uint32(tag(4, "length")).bytes(new Uint8Array(buffer, byteOffset, byteLength));
      }),
    );
  }
}

function writeShape(writer: Writer, shape: readonly number[]): void {
  for (const size of shape) message(writer, 2, (dim) => number(dim, 1, size));
}

function writeAttribute(writer: Writer, { type, value }: Attribute, kinds: AttributeKinds): void {
  if (type === kinds.TF_ATTR_SHAPE) {
    message(writer, 7, (sizes) => writeShape(sizes, value as readonly number[]));
    return;
  }
  const one = (writer: Writer, value: number | string | boolean): void => {
    if (type === kinds.TF_ATTR_STRING) string(writer, 2, String(value));
    else if (type === kinds.TF_ATTR_INT) number(writer, 3, Number(value));
    else if (type === kinds.TF_ATTR_FLOAT) writer.uint32(tag(4, "float")).float(Number(value));
    else if (type === kinds.TF_ATTR_BOOL) writer.uint32(tag(5, "number")).bool(Boolean(value));
    else if (type === kinds.TF_ATTR_TYPE) number(writer, 6, Number(value));
    else throw new Error(`TensorFlow has no attribute of the kind ${type}`);
  };
  if (typeof value !== "object") one(writer, value);
  else
    message(writer, 1, (list) => {
      for (const each of value) one(list, each);
    });
}
