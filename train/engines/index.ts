// The door of the engines.
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
export { type EngineReport, listEngines, type OpenedEngine, openEngine } from "./open.ts";
