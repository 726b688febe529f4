// The door of the engines.
export type { EngineReport } from "./candidates.ts";
export { answerParent, type ChildOptions, runInChild } from "./child.ts";
export type {
  DeviceTensor,
  Engine,
  EngineOptions,
  Feeds,
  Graph,
  Port,
  Portable,
  Program,
} from "./engine.ts";
export {
  brokenTensorFlow,
  type InstalledTensorFlow,
  innerloopHome,
  installedTensorFlow,
  type TensorFlowModule,
  tensorFlowStacks,
} from "./installed.ts";
export { measuredTraining, measureEngine } from "./measure.ts";
export { engineNames, listEngines, type OpenedEngine, openEngine } from "./open.ts";
export { rateOf } from "./rate.ts";
