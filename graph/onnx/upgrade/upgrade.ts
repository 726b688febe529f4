// What a file of `upgrade/` says: how a node of an older opset is written in the one that changed its operator.
import type { onnx } from "@innerloop/schemas/onnx";
import { ints, valuesOf } from "../attributes.ts";

export type NodeProto = onnx.NodeProto.$Properties;

/** What is made beside an upgraded node, before it: nodes of the newest opset that is read. */
export interface Additions {
  /** The name of the first output of a new node. */
  node(opType: string, input: readonly string[], attributes?: Readonly<Record<string, number>>): string;
  /** The name of a new float scalar. */
  number(number: number): string;
  /** The name of a new float list. */
  numbers(numbers: readonly number[]): string;
  /** The name of a new int64 scalar. */
  whole(number: number): string;
  /** The name of a new int64 list. */
  list(numbers: readonly number[]): string;
}

/** A node as the opset writes it that changed its operator. */
export type Upgrade = (node: NodeProto, add: Additions) => NodeProto;

/** The changes of one opset, by operator. */
export type Upgrades = Readonly<Record<string, Upgrade>>;

/**
 * Lists that were attributes are inputs, after the first, in this order; "" for one that is left out.
 * @throws InnerloopError where an attribute is no list of whole numbers
 */
export const listsAsInputs =
  (...names: readonly string[]): Upgrade =>
  (node, add) => {
    const lists = names.map((name) => valuesOf({ [name]: ints() }, node)[name]);
    const attribute = (node.attribute ?? []).filter(({ name }) => !names.includes(name ?? ""));
    return { ...node, attribute, input: [node.input?.[0] ?? "", ...lists.map((list) => (list ? add.list(list) : ""))] };
  };
