// Graphs as attributes of a node.
import { onnx } from "@innerloop/schemas/onnx";
import type { AttributeProto } from "../attributes.ts";

/** A graph as an attribute. */
export const graphAttribute = (name: string, g: onnx.GraphProto.$Properties): AttributeProto => ({
  name,
  type: onnx.AttributeProto.AttributeType.GRAPH,
  g,
});
