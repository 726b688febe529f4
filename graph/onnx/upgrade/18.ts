// Opset 18: the axes of reductions are an input. The sum had them there since 13; Split and Pad have a choice more.
import { int, written } from "../attributes.ts";
import { listsAsInputs, type Upgrade, type Upgrades } from "./upgrade.ts";

const reductions =
  "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare";

/** A Split into equal parts says how many. */
const countedParts: Upgrade = (node) => {
  if (node.input?.[1]) return node;
  const count = written("num_outputs", int(), node.output?.length ?? 1);
  return { ...node, attribute: [...(node.attribute ?? []), count] };
};

export const opset18: Upgrades = {
  ...Object.fromEntries(reductions.split(" ").map((name) => [name, listsAsInputs("axes")])),
  Split: countedParts,
};
