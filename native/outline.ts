// What a model takes and gives, read without its nodes, which take the longest: who has the program that an earlier process made of them needs no more.
import { onnx, Reader } from "@innerloop/schemas/onnx";
import { type Outline, outlineOf, readGraph } from "./read.ts";

/** Numbers that onnx.proto gives fields: that of the graph in a model, and that of nodes in a graph. */
const [ofGraph, ofNodes] = [7, 1];

/** @throws InnerloopError as {@link readGraph} does, but for what is wrong with nodes and numbers alone */
export function readOutline(bytes: Uint8Array): Outline {
  return withoutNodes(bytes) ?? readGraph(bytes);
}

/** Nothing where something is not as expected: whoever reads all of it says what. */
function withoutNodes(bytes: Uint8Array): Outline | undefined {
  try {
    const [graph, ...more] = fieldsOf(bytes).filter(({ number }) => number === ofGraph);
    if (!graph || more.length > 0) return undefined;
    const reader = Reader.create(graph.bytes);
    reader.tag();
    const parts = fieldsOf(reader.bytes()).filter(({ number }) => number !== ofNodes);
    const read: onnx.GraphProto[] = parts.map((part) => onnx.GraphProto.decode(part.bytes));
    return outlineOf({
      input: read.flatMap(({ input }) => input),
      output: read.flatMap(({ output }) => output),
      initializer: read.flatMap(({ initializer }) => initializer),
    });
  } catch {
    return undefined;
  }
}

/** A field of a message: its bytes, with its tag. */
interface Field {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** @throws RangeError or Error for bytes that are no message */
function fieldsOf(bytes: Uint8Array): Field[] {
  const reader = Reader.create(bytes);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.tag();
    reader.skipType(tag & 7, 0, tag >>> 3);
    fields.push({ number: tag >>> 3, bytes: bytes.subarray(start, reader.pos) });
  }
  return fields;
}
