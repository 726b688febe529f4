// Opset 16: regions are aligned to the middles of pixels unless a node says otherwise; before, to their corners.
import { choice, written } from "../attributes.ts";
import type { Upgrades } from "./upgrade.ts";

const corners = written("coordinate_transformation_mode", choice("output_half_pixel"), "output_half_pixel");

export const opset16: Upgrades = {
  RoiAlign: (node) => ({ ...node, attribute: [...(node.attribute ?? []), corners] }),
};
