// What an operator's entry sees of a file while a node is written into it, and what it gives: see `operator.ts`.
import type { NumericName } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import type { Dim } from "../../core/dims.ts";
import type { Shape } from "../../core/shapes.ts";
import {
  type Attributes,
  type Body,
  type Entry,
  type Inputs,
  is,
  type Node,
  type NumberArray,
  type Outputs,
  type Subgraph,
} from "../../core/value.ts";
import type { AttributeProto } from "../attributes.ts";

/** The inputs and attributes of a node in a file. */
export interface Form {
  /** Names; "" for an input that is left out. */
  readonly input: readonly string[];
  readonly attribute?: readonly AttributeProto[];
  /** The element type of what the node gives, where graphs have no dtype for it: a Cast brings it back into that of the value. */
  readonly element?: NumericName;
}

/** The file that a node is written into. */
export interface Writing {
  readonly opset: number;
  /** Whether the node computes in float16. */
  readonly half: boolean;
  /** The names of the node's inputs, in the precision that it computes in. */
  inputs(): readonly string[];
  /** The name of one of these. */
  input(i: number): string;
  /** The attributes of the node that ONNX has under the same name. */
  attributes(): readonly AttributeProto[];
  /** The name of a constant, in the precision that the node computes in where it is a float. */
  constant(array: NumberArray): string;
  /** The name of an int64 scalar. */
  scalar(number: number): string;
  /** The name of an int64 list. */
  list(numbers: readonly number[]): string;
  /** The name of a size as an int64 list of one, computed from the shapes of values where it is open. */
  size(dim: Dim): string;
  /** The same as a scalar. */
  scalarSize(dim: Dim): string;
  /** The name of a shape as an int64 list. */
  shape(shape: Shape): string;
  /** The whole form of a node whose body is a graph of its own. */
  loop(body: Body): Form;
  /**
   * A graph inside the node.
   * @param own how many of the values that it takes are inputs of it in a file
   * @param outer the names outside of the others
   */
  inside(graph: Subgraph, own: number, outer: readonly string[]): onnx.GraphProto.$Properties;
}

/** How the nodes of an operator are written, which have its attributes, inputs and outputs. */
export const writing =
  <A extends Attributes, I extends Inputs, O extends Outputs>(
    entry: Entry<A, I, O>,
    write: (node: Node<A, I, O>, to: Writing) => Form,
  ) =>
  (node: Node, to: Writing): Form => {
    if (is(node, entry)) return write(node, to);
    throw new Error(`${node.operator.name} is not written as ${entry.operator.name} is.`);
  };
