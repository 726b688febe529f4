// The door of the room: everything but the ONNX code, which has a door of its own so that protobufjs stays optional.
export { takesSteps } from "./check.ts";
export {
  CHECKPOINT_KEY,
  CHECKPOINT_VERSION,
  type CheckpointHeader,
  checkpointSchema,
  type HistoryEntry,
  type RunTasks,
  readCheckpointHeader,
  validateCheckpoint,
} from "./checkpoint.ts";
export {
  CONFIG_VERSION,
  configSchema,
  type ExamplesConfig,
  type ModelConfig,
  type OptimizerConfig,
  type RunConfig,
  type RunConfigInput,
  type ScheduleConfig,
  validateConfig,
} from "./config.ts";
export { decimal } from "./decimal.ts";
export {
  bytesOf,
  decodeNumbers,
  ELEMENT_TYPES,
  type ElementName,
  type ElementType,
  elementNameOf,
  encodeNumbers,
  isNumeric,
  type NumericName,
  roundNumbers,
} from "./elements.ts";
export { InnerloopError, type InnerloopErrorOptions } from "./errors.ts";
export { guarded } from "./guarded.ts";
export { parseJson } from "./json.ts";
export { type FormCost, MACHINE_VERSION, type MachineCosts, machineSchema, readMachine } from "./machine.ts";
export type * from "./manifest.ts";
export type { Rounding } from "./minifloats.ts";
export { mistaken } from "./mistaken.ts";
export { checkPreprocessing, marginOf, misfit, preprocessedShape } from "./preprocessing.ts";
export { preprocessingText } from "./preprocessing-words.ts";
export { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from "./safetensors.ts";
export { type DType, ELEMENTS, sizeOf, type Tensor, type TypedArray } from "./tensor.ts";
export { plain, show } from "./text.ts";
export { type JsonSchema, suggest } from "./validate.ts";
export { MANIFEST_VERSION, manifestSchema, validateManifest } from "./validate-manifest.ts";
