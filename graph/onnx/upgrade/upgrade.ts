// What a file of `upgrade/` says: how a node of an older opset is written in the one that changed its operator.
import type { onnx } from "@innerloop/schemas/onnx";
import { ints, valuesOf } from "../attributes.ts";

export type NodeProto = onnx.NodeProto.$Properties;

/** What is made beside an upgraded node, before it: nodes of the newest opset that is read. */
export interface Additions {
  /** The name of the first output of a new node. */
  node(opType: string, input: readonly string[], attributes?: Readonly<Record<string, number>>): string;
  /** The name of a new int64 list. */
  list(numbers: readonly number[]): string;
}

/** A node as the opset writes it that changed its operator. */
export type Upgrade = (node: NodeProto, add: Additions) => NodeProto;

/** The changes of one opset, by operator. */
export type Upgrades = Readonly<Record<string, Upgrade>>;

/**
 * Axes that were an attribute are an input, the second.
 * @throws InnerloopError where the attribute is no list of whole numbers
 */
export const axesAsInput: Upgrade = (node, add) => {
  const { axes } = valuesOf({ axes: ints() }, node);
  if (!axes) return node;
  const attribute = (node.attribute ?? []).filter(({ name }) => name !== "axes");
  return { ...node, attribute, input: [node.input?.[0] ?? "", add.list(axes)] };
};
