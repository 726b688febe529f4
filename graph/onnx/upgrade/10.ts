// Opset 10: the starts, ends and axes of a Slice and the count of a TopK are inputs; Resize is what Upsample was.
import { int, valuesOf } from "../attributes.ts";
import { listsAsInputs, type Upgrades } from "./upgrade.ts";

export const opset10: Upgrades = {
  Slice: listsAsInputs("starts", "ends", "axes"),
  TopK(node, add) {
    const { k } = valuesOf({ k: int(1) }, node);
    const attribute = (node.attribute ?? []).filter(({ name }) => name !== "k");
    return { ...node, attribute, input: [node.input?.[0] ?? "", add.list([k])] };
  },
  Upsample: (node) => ({ ...node, opType: "Resize" }),
};
