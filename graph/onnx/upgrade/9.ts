// Opset 9: a batch normalization has statistics for each channel; before, it could have them for each place as well. The scales of
// an Upsample are an input.
import { InnerloopError } from "@innerloop/schemas";
import { flag, floats, valuesOf } from "../attributes.ts";
import type { Upgrades } from "./upgrade.ts";

export const opset9: Upgrades = {
  BatchNormalization(node) {
    if (valuesOf({ spatial: flag(true) }, node).spatial) return node;
    throw new InnerloopError("unsupported-attribute", "has spatial = 0; statistics for each channel are supported.");
  },
  Upsample(node, add) {
    const { scales } = valuesOf({ scales: floats() }, node);
    const attribute = (node.attribute ?? []).filter(({ name }) => name !== "scales");
    return { ...node, attribute, input: [node.input?.[0] ?? "", add.numbers(scales ?? [])] };
  },
};
