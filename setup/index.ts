// The door of the room: what computes here, how fast, and how what is missing for a GPU, or to be built for a processor, is
// installed without breaking what works.
export { type CudaResult, type CudaSources, setupCuda, undoCuda } from "./cuda/cuda.ts";
export { examine, type Finding, type Findings } from "./doctor/examine.ts";
export { measured, measureSpeeds } from "./doctor/speeds.ts";
export { setupNative, undoNative } from "./kernels/native.ts";
export type { Form, Stand } from "./machine/timing.ts";
export { type Loss, lossBy, type Tuned, type TunedCase, tuneMachine } from "./machine/tune.ts";
export {
  setupTensorFlow,
  type TensorFlowResult,
  type TensorFlowSource,
  undoTensorFlow,
} from "./tensorflow/tfjs-gpu.ts";
export type { SetupOptions } from "./work.ts";
