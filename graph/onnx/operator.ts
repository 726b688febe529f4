// What is known of an ONNX operator as ONNX: one entry that says which attributes it has, what a node of it becomes when it
// is read, what it does to sizes that are open, and how it is written.
import type { Node } from "../core/value.ts";
import type { OnnxAttributes, ValuesOf } from "./attributes.ts";
import type { Call } from "./reader/call.ts";
import type { Entry } from "./reader/entry.ts";
import type { Form, Writing } from "./writer/form.ts";

/** The values of a node's attributes. */
type Given = Readonly<Record<string, unknown>>;

/** An operator's entry. Nodes are of the newest opset that is read: `upgrade/` brings older ones there. */
interface Definition<A extends OnnxAttributes> {
  readonly attributes?: A;
  /** What a node becomes: its outputs, as many as are supported. */
  readonly read?: (call: Call, attributes: ValuesOf<A>) => Entry | readonly Entry[];
  /** What it makes of inputs that are sizes, some of them open; undefined where it sees them as values. */
  readonly sizes?: (call: Call, attributes: ValuesOf<A>) => Entry | undefined;
  /** The inputs and attributes of its nodes in a file, where they are not those that the graph's node has. */
  readonly write?: ((node: Node, to: Writing) => Form) | undefined;
  /** The opset that has a node of these attributes, this many inputs and a first one of this rank; the newest that changed the operator unless given. */
  readonly since?: ((attributes: Partial<ValuesOf<A>>, inputs: number, rank: number) => number) | undefined;
  /** `false`: it is written as what it was read as, whatever that is. */
  readonly authored?: false;
}

/** An operator's entry, whatever attributes it has. */
export interface OnnxOperator {
  readonly attributes: OnnxAttributes;
  readonly read?: (call: Call, attributes: Given) => Entry | readonly Entry[];
  readonly sizes?: (call: Call, attributes: Given) => Entry | undefined;
  readonly write?: (node: Node, to: Writing) => Form;
  readonly since?: (attributes: Given, inputs: number, rank: number) => number;
  readonly authored?: false;
}

/** An operator that is read: all but those that follow from the operators of graphs, or are only written. */
export type ReadOperator = OnnxOperator & { readonly read: NonNullable<OnnxOperator["read"]> };

/** The same once it is known which opset brought it. */
export type KnownOperator = ReadOperator & { readonly since: NonNullable<OnnxOperator["since"]> };

/** An operator's entry. */
export function onnxOperator<const A extends OnnxAttributes = Record<never, never>>(
  definition: Definition<A> & { readonly read: NonNullable<Definition<A>["read"]> },
): ReadOperator;
export function onnxOperator<const A extends OnnxAttributes = Record<never, never>>(
  definition: Definition<A>,
): OnnxOperator;
export function onnxOperator<A extends OnnxAttributes>({
  attributes,
  read,
  sizes,
  write,
  since,
  authored,
}: Definition<A>): OnnxOperator {
  // What reads a node gives it the values of the attributes that are listed here.
  const typed = (given: Given) => given as ValuesOf<A>;
  return {
    attributes: attributes ?? {},
    ...(read && { read: (call, given) => read(call, typed(given)) }),
    ...(sizes && { sizes: (call, given) => sizes(call, typed(given)) }),
    ...(write && { write }),
    ...(since && { since: (given, inputs, rank) => since(given as Partial<ValuesOf<A>>, inputs, rank) }),
    ...(authored === false && { authored }),
  };
}
