// Opset 13: more lists are inputs, and Softmax and its like go along one axis where they went along all from one on.
import { int, valuesOf } from "../attributes.ts";
import { listsAsInputs, type Upgrade, type Upgrades } from "./upgrade.ts";

/** All axes from one on are made one, and back. */
const overAllFrom: Upgrade = (node, add) => {
  const { axis } = valuesOf({ axis: int(1) }, node);
  const [x = ""] = node.input ?? [];
  const rows = add.node("Flatten", [x], { axis });
  const normalized = add.node(node.opType ?? "", [rows], { axis: -1 });
  return { ...node, opType: "Reshape", attribute: [], input: [normalized, add.node("Shape", [x])] };
};

export const opset13: Upgrades = {
  Hardmax: overAllFrom,
  LogSoftmax: overAllFrom,
  ReduceSum: listsAsInputs("axes"),
  Softmax: overAllFrom,
  Split: listsAsInputs("split"),
  Squeeze: listsAsInputs("axes"),
  Unsqueeze: listsAsInputs("axes"),
};
