// Opset 18: the axes of reductions are an input. The sum had them there since 13; Split and Pad have a choice more.
import { listsAsInputs, type Upgrades } from "./upgrade.ts";

const reductions =
  "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare";

export const opset18: Upgrades = Object.fromEntries(reductions.split(" ").map((name) => [name, listsAsInputs("axes")]));
