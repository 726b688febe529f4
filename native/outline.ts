// What a model takes and gives, read without its nodes, which take the longest: who has the program that an earlier process made of them needs no more.
import { onnx } from "@innerloop/schemas/onnx";
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
    const graphs = fieldsOf(bytes).filter(({ number }) => number === ofGraph);
    if (graphs.length !== 1) return undefined;
    const [{ begin, end }] = graphs as [Field];
    const graph = bytes.subarray(begin, end);
    const parts = fieldsOf(graph).filter(({ number }) => number !== ofNodes);
    const read: onnx.GraphProto[] = parts.map(({ start, end }) => onnx.GraphProto.decode(graph.subarray(start, end)));
    return outlineOf({
      input: read.flatMap(({ input }) => input),
      output: read.flatMap(({ output }) => output),
      initializer: read.flatMap(({ initializer }) => initializer),
    });
  } catch {
    return undefined;
  }
}

/** A field of a message: where it starts, and where what it holds begins and ends. */
interface Field {
  readonly number: number;
  readonly start: number;
  readonly begin: number;
  readonly end: number;
}

/** @throws RangeError for bytes that are no message of numbers and of what has a length */
function fieldsOf(bytes: Uint8Array): Field[] {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("a message that ends within a number");
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  const fields: Field[] = [];
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    const type = tag % 8;
    if (type !== 0 && type !== 2) throw new RangeError("a field of another type");
    const value = varint();
    const begin = at;
    if (type === 2) at += value;
    if (at > bytes.length) throw new RangeError("a field that ends after the message");
    fields.push({ number: Math.floor(tag / 8), start, begin, end: at });
  }
  return fields;
}
