// Opset 20: the axis of a DFT is an input, and the ways to sample a grid have names for any number of axes.
import { choice, int, valuesOf, written } from "../attributes.ts";
import type { Upgrades } from "./upgrade.ts";

const modes = { bilinear: "linear", bicubic: "cubic", nearest: "nearest" } as const;

export const opset20: Upgrades = {
  DFT(node, add) {
    const { axis } = valuesOf({ axis: int(1) }, node);
    const [x = "", length = ""] = node.input ?? [];
    const attribute = (node.attribute ?? []).filter(({ name }) => name !== "axis");
    return { ...node, attribute, input: [x, length, add.whole(axis)] };
  },
  GridSample(node) {
    const known = choice("bilinear", "nearest", "bicubic");
    const { mode } = valuesOf({ mode: known }, node);
    const others = (node.attribute ?? []).filter(({ name }) => name !== "mode");
    return { ...node, attribute: [...others, written("mode", known, modes[mode])] };
  },
};
