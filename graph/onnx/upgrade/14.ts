// Opset 14: a batch normalization says that it takes the statistics of its batch; before, it did where it gave them.
import { InnerloopError } from "@innerloop/schemas";
import { int, written } from "../attributes.ts";
import type { Upgrades } from "./upgrade.ts";

export const opset14: Upgrades = {
  BatchNormalization(node) {
    const [y = "", mean = "", variance = "", ...saved] = node.output ?? [];
    if (!mean && !variance && !saved.some((name) => name !== "")) return { ...node, output: [y] };
    if (saved.some((name) => name !== ""))
      throw new InnerloopError(
        "unsupported-output",
        `its output "${saved.find((name) => name !== "")}", what it saved for a derivative, is used; only the first 3 are supported.`,
      );
    const attribute = [...(node.attribute ?? []), written("training_mode", int(), 1)];
    return { ...node, attribute, output: [y, mean, variance] };
  },
};
