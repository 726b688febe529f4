// A head that starts at the means of the classes (Triantafillou et al. 2020, Proto-MAML).
import { absoluteLogits, comparable, prototypeHead } from "@innerloop/graph";
import type { Head } from "./head.ts";

export const prototypesHead: Head = {
  name: "prototypes",
  summary: "the means of the classes",
  starts: "from prototypes",
  learned: false,
  features: comparable,
  start: (features, hot) => prototypeHead(features(), hot),
  absolute: absoluteLogits,
  // With 1, no shift of the input that was tried made answers to new examples worse by more than chance
  // (docs/architecture.md).
  decay: 1,
};
