// Opset 11: the bounds of Clip, and what Pad puts where, are inputs; Resize says where its pixels lie, and Scatter has a name that says
// how.
import { choice, float, ints, valuesOf, written } from "../attributes.ts";
import type { Upgrades } from "./upgrade.ts";

export const opset11: Upgrades = {
  Clip(node, add) {
    const [x = ""] = node.input ?? [];
    const bounds = valuesOf({ min: float(), max: float() }, node);
    const bound = (number: number | undefined) =>
      number === undefined ? "" : add.node("CastLike", [add.number(number), x]);
    return { ...node, attribute: [], input: [x, bound(bounds.min), bound(bounds.max)] };
  },
  Pad(node, add) {
    const { pads, value } = valuesOf({ pads: ints(), value: float(0) }, node);
    const attribute = (node.attribute ?? []).filter(({ name }) => name === "mode");
    return { ...node, attribute, input: [node.input?.[0] ?? "", add.list(pads ?? []), add.number(value)] };
  },
  Resize(node) {
    const [x = "", scales = ""] = node.input ?? [];
    const attribute = [
      ...(node.attribute ?? []),
      written("coordinate_transformation_mode", choice("asymmetric"), "asymmetric"),
      written("nearest_mode", choice("floor"), "floor"),
    ];
    return { ...node, attribute, input: [x, "", scales] };
  },
  Scatter: (node) => ({ ...node, opType: "ScatterElements" }),
};
