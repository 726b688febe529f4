// Every target, by its name.
import { exportCalls, graphCalls, runtimeCalls, schemasCalls, trainCalls } from "./calls.ts";
import { csvTarget, jsonTarget, npzTarget, picturesTarget, zipTarget } from "./data.ts";
import {
  bundleTarget,
  checkpointTarget,
  configTarget,
  manifestTarget,
  personalTarget,
  safetensorsTarget,
  sealedTarget,
} from "./files.ts";
import { onnxTarget } from "./onnx.ts";
import { rowsTargets, windowsTargets } from "./own-files.ts";
import { rawTarget } from "./raw.ts";
import type { Target } from "./run.ts";
import { soundsTarget } from "./sounds.ts";

export const targets: readonly Target[] = [
  safetensorsTarget,
  onnxTarget,
  manifestTarget,
  bundleTarget,
  personalTarget,
  sealedTarget,
  checkpointTarget,
  configTarget,
  csvTarget,
  jsonTarget,
  picturesTarget,
  rawTarget,
  soundsTarget,
  zipTarget,
  npzTarget,
  ...rowsTargets,
  ...windowsTargets,
  schemasCalls,
  graphCalls,
  runtimeCalls,
  trainCalls,
  exportCalls,
];
