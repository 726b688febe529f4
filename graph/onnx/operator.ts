// What is known of an ONNX operator as ONNX: one entry that says which attributes it has, what a node of it becomes when it
// is read, what it does to sizes that are open, and how it is written.
import type { Node } from "../core/value.ts";
import { type OnnxAttributes, type ValuesOf, valuesOf } from "./attributes.ts";
import type { Call } from "./reader/call.ts";
import type { Entry } from "./reader/entry.ts";
import type { Form, Writing } from "./writer/form.ts";

type NodeProto = Parameters<typeof valuesOf>[1];

/** An operator's entry. Nodes are of the newest opset that is read: `upgrade/` brings older ones there. */
interface Definition<A extends OnnxAttributes> {
  readonly attributes?: A;
  /** What a node becomes: its outputs, as many as are supported. */
  readonly read?: (call: Call, attributes: ValuesOf<A>) => Entry | readonly Entry[];
  /** What it makes of inputs that are sizes, some of them open; undefined where it sees them as values. */
  readonly sizes?: (call: Call, attributes: ValuesOf<A>) => Entry | undefined;
  /** The inputs and attributes of its nodes in a file, where they are not those that the graph's node has. */
  readonly write?: ((node: Node, to: Writing) => Form) | undefined;
}

/** An operator's entry, whatever attributes it has. */
export interface OnnxOperator {
  readonly attributes: OnnxAttributes;
  readonly read?: (call: Call, node: NodeProto) => Entry | readonly Entry[];
  readonly sizes?: (call: Call, node: NodeProto) => Entry | undefined;
  readonly write?: (node: Node, to: Writing) => Form;
}

/** An operator that is read: all but those that follow from the operators of graphs, or are only written. */
export type ReadOperator = OnnxOperator & { readonly read: NonNullable<OnnxOperator["read"]> };

/** An operator's entry. */
export function onnxOperator<const A extends OnnxAttributes = Record<never, never>>(
  definition: Definition<A> & { readonly read: NonNullable<Definition<A>["read"]> },
): ReadOperator;
export function onnxOperator<const A extends OnnxAttributes = Record<never, never>>(
  definition: Definition<A>,
): OnnxOperator;
export function onnxOperator<A extends OnnxAttributes>({
  attributes: listed,
  read,
  sizes,
  write,
}: Definition<A>): OnnxOperator {
  const attributes = listed ?? ({} as A);
  return {
    attributes,
    ...(read && { read: (call, node) => read(call, valuesOf(attributes, node)) }),
    ...(sizes && { sizes: (call, node) => sizes(call, valuesOf(attributes, node)) }),
    ...(write && { write }),
  };
}
