// Opset 10: the starts, ends and axes of a Slice are inputs.
import { listsAsInputs, type Upgrades } from "./upgrade.ts";

export const opset10: Upgrades = { Slice: listsAsInputs("starts", "ends", "axes") };
