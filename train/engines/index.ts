// The door of the engines.
export { answerParent, type ChildOptions, runInChild } from "./children/child.ts";
export { machineMemory } from "./choose/devices.ts";
export type { EngineEntry, EngineReport, EngineTraits } from "./choose/entry.ts";
export { engineChoices, engineNamed, engineNames, engines, enginesFor } from "./choose/list.ts";
export { listEngines, type OpenedEngine, openEngine } from "./choose/open.ts";
export type {
  DeviceTensor,
  Engine,
  EngineOptions,
  Feeds,
  Graph,
  Port,
  Portable,
  Program,
  ProgramBytes,
} from "./engine.ts";
export {
  type MachineHere,
  machineFile,
  machineHere,
  shippedMachine,
  type TunedEngine,
  timedWith,
  tunedEngines,
} from "./machine.ts";
export { keepLayout, keptLayout, type Layout, layoutsAreKept } from "./onnxruntime/kept/layouts.ts";
export { type CacheReport, cacheReport } from "./onnxruntime/kept/store.ts";
export {
  brokenTensorFlow,
  type InstalledTensorFlow,
  innerloopHome,
  installedTensorFlow,
  type TensorFlowModule,
  tensorFlowStacks,
} from "./tfjs/installed.ts";
