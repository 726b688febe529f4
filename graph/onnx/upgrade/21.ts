// Opset 21: a group normalization has a scale and a bias for each channel, where it had them for each group.
import { int, valuesOf } from "../attributes.ts";
import type { Upgrades } from "./upgrade.ts";

export const opset21: Upgrades = {
  GroupNormalization(node, add) {
    const [x = "", scale = "", bias = "", ...others] = node.input ?? [];
    const { num_groups: groups } = valuesOf({ num_groups: int(1) }, node);
    const channels = add.node("Shape", [x], { start: 1, end: 2 });
    const repeated = add.node("Concat", [add.list([groups]), add.node("Div", [channels, add.list([groups])])], {
      axis: 0,
    });
    const perChannel = (perGroup: string): string => {
      const rows = add.node("Expand", [add.node("Unsqueeze", [perGroup, add.list([1])]), repeated]);
      return add.node("Reshape", [rows, add.list([-1])]);
    };
    return { ...node, input: [x, perChannel(scale), perChannel(bias), ...others] };
  },
};
