// What an operator's entry sees of a file while a node is written into it, and what it gives: see `operator.ts`.
import type { Dim } from "../../core/dims.ts";
import type { Shape } from "../../core/shapes.ts";
import type { Attribute, Body, Inputs, Node, NumberArray, Value } from "../../core/value.ts";
import type { AttributeProto } from "../attributes.ts";

/** The inputs and attributes of a node in a file. */
export interface Form {
  /** Names; "" for an input that is left out. */
  readonly input: readonly string[];
  readonly attribute?: readonly AttributeProto[];
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
}

/** The error for a node that no operator's rule makes: a mistake in the program. */
const unwritable = (node: Node, what: string): Error => new Error(`${node.operator.name} cannot be written: ${what}.`);

const attribute = <T extends Attribute>(node: Node, name: string, is: (value: Attribute) => value is T): T => {
  const value = node.attributes[name];
  if (is(value)) return value;
  throw unwritable(node, `its attribute ${name} is ${typeof value}`);
};

/** The attributes of a node, by their types. */
export const numberIn = (node: Node, name: string): number =>
  attribute(node, name, (value): value is number => typeof value === "number");
export const dimIn = (node: Node, name: string): Dim =>
  attribute(node, name, (value): value is Dim => typeof value === "number" || typeof value === "string");
export const numbersIn = (node: Node, name: string): readonly number[] =>
  attribute(
    node,
    name,
    (value): value is readonly number[] => Array.isArray(value) && value.every((entry) => typeof entry === "number"),
  );

/** An operand of a node, and its first result. */
export const operand = (node: Node, i = 0): Value => valueAt(node, node.inputs, i);
export const result = (node: Node): Value => valueAt(node, node.outputs, 0);

function valueAt(node: Node, values: Inputs, i: number): Value {
  const value = values[i];
  if (value) return value;
  throw unwritable(node, `it has ${values.length} values where ${i + 1} are needed`);
}
