// The door of the graph core.
export { type Dim, type Shape, showShape } from "./core/dims.ts";
export { evaluate, type Numbers } from "./core/evaluate.ts";
export {
  type Family,
  isFlat,
  type Operator,
  operatorNamed,
  operators,
  type Spelling,
  spellings,
} from "./core/operator.ts";
export { print } from "./core/print.ts";
export {
  type Attribute,
  apply,
  constant,
  constantOf,
  input,
  inputName,
  isInput,
  type Node,
  type Operand,
  scope,
  topological,
  Value,
} from "./core/value.ts";
export type { Adaptation, AdaptOptions, ExampleValues, Learner, ParameterSpec } from "./learner.ts";
export { convolutionAsColumns } from "./lowering/convolution.ts";
export { type Lowering, lower, type Target } from "./lowering/lower.ts";
export { type OnnxTargetOptions, onnxTarget } from "./lowering/onnx.ts";
export { poolingAsTaps } from "./lowering/pooling.ts";
export { halfBits, halfNodes } from "./lowering/precision.ts";
export {
  type ConvolutionForm,
  onnxTargetFor,
  type ProviderTargetOptions,
  tunedProviders,
} from "./lowering/providers.ts";
export { exactTrigonometry } from "./lowering/webgpu.ts";
export { defaultOpset, irVersion, readableOpsets } from "./onnx/opsets.ts";
export { type OnnxModel, readableOperators, readOnnx } from "./onnx/read.ts";
export { elementDTypes } from "./onnx/tensors.ts";
export { type WriteOptions, writeOnnx } from "./onnx/write.ts";
export * as op from "./ops/index.ts";
export { cotangents, grad, gradients } from "./transforms/grad.ts";
export {
  type Guard,
  type InnerLoopOptions,
  type InnerLoopResult,
  innerLoop,
  type LoopKind,
  type Parameters,
} from "./transforms/inner-loop.ts";
export { simplify } from "./transforms/simplify.ts";
export { vmap } from "./transforms/vmap.ts";
