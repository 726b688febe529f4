// The door of the graph core.

export { type CompileOptions, lower, type PassReport, passesFor, switches } from "./compile/compile.ts";
export type { Pass } from "./compile/pass.ts";
export { grams } from "./compile/passes/grams.ts";
export { earlyPasses, passes } from "./compile/passes/index.ts";
export { portions } from "./compile/passes/portions.ts";
export { together } from "./compile/passes/together.ts";
export { apply, constant, constantOf, input, inputName, isInput, scope } from "./core/build.ts";
export { type Dim, resolveDim, type Symbols } from "./core/dims.ts";
export { numbersFrom } from "./core/draws.ts";
export { evaluate, type ShapedNumbers } from "./core/evaluate.ts";
export { fingerprint } from "./core/fingerprint.ts";
export { inputNamesOf, inputsOf } from "./core/inputs.ts";
export { isFlat, operatorNamed, operators, type Spelling, spellings } from "./core/operator.ts";
export { print } from "./core/print.ts";
export { type Shape, showShape } from "./core/shapes.ts";
export {
  type Attribute,
  type Attributes,
  type Entry,
  type Family,
  type Inputs,
  is,
  isSubgraph,
  madeBy,
  type Node,
  type NumberArray,
  type Operand,
  type Operator,
  type Outputs,
  operandsOf,
  type Traits,
  Value,
} from "./core/value.ts";
export { topological } from "./core/walk.ts";
export {
  absentClasses,
  absoluteLogits,
  balancingWeights,
  centreOf,
  classesOf,
  comparable,
  curvatureBound,
  oneHot,
  prototypeHead,
  prototypes,
  zeroHead,
} from "./heads/linear.ts";
export { type Ridge, ridgeHead } from "./heads/ridge.ts";
export type { AdaptationValues, AdaptSettings, ExampleValues, Learner, ParameterSpec } from "./learner.ts";
export { bothBranches } from "./lowering/branch.ts";
export { nativeByCost } from "./lowering/by-cost.ts";
export { convolutionAsColumns } from "./lowering/columns.ts";
export {
  type ConvolutionSizes,
  type ConvolutionWork,
  type Costs,
  convolutionWork,
  type FormRates,
  type FormWork,
  inputGradientWork,
  isNative,
  kinds,
  type MeasuredOperator,
  timeOf,
} from "./lowering/costs.ts";
export { type Choose, type Form, quickestBy, type Rates, usualRates, type Work } from "./lowering/forms.ts";
export { indexingAsBlocks } from "./lowering/indexing.ts";
export { type Lowering, lowering, type Target } from "./lowering/lower.ts";
export { type OnnxTargetOptions, onnxTarget, sumAsProduct } from "./lowering/onnx.ts";
export { poolingAsTaps } from "./lowering/pooling.ts";
export { halfBits, halfNodes } from "./lowering/precision.ts";
export {
  type ConvolutionForm,
  onnxTargetFor,
  type ProviderTargetOptions,
  tunedProviders,
} from "./lowering/providers.ts";
export { scanUnrolled } from "./lowering/scan.ts";
export { exactTrigonometry } from "./lowering/webgpu.ts";
export * as transform from "./models/index.ts";
export { type Model, type Named, type WriteModelOptions, writeModel } from "./models/model.ts";
export { type Embedding, findEmbedding, makersOf, outputOf, scoresBefore } from "./onnx/embedding.ts";
export type { ModelFiles } from "./onnx/files.ts";
export { readInitializers } from "./onnx/initializers.ts";
export { addLora, type LoraAdapter, type LoraModel, type LoraOptions, mergeLora, withFactors } from "./onnx/lora.ts";
export { defaultOpset, irVersion, readableOpsets, writableOpsets } from "./onnx/opsets.ts";
export { type Outline, type OutlinedNode, outlineOnnx, withOutputs, withSizes } from "./onnx/outline.ts";
export { type OnnxModel, type ReadOptions, readableOperators, readModel, readOnnx } from "./onnx/read.ts";
export type { Sharing } from "./onnx/reader/joined.ts";
export { type External, type ExternalPlace, Sidecar } from "./onnx/sidecar.ts";
export { type Problem, surveyOnnx } from "./onnx/survey.ts";
export { elementDTypes } from "./onnx/tensors.ts";
export { type WriteOptions, writeOnnx } from "./onnx/write.ts";
export * as op from "./ops/index.ts";
export type { Guard } from "./transforms/descent.ts";
export { cotangents, grad, gradients } from "./transforms/grad.ts";
export {
  type InnerLoopOptions,
  type InnerLoopResult,
  innerLoop,
  type LoopKind,
  type Parameters,
  type Remembering,
} from "./transforms/inner-loop.ts";
export { hvp, type JacobianMode, jacobian } from "./transforms/jacobian.ts";
export { jvp } from "./transforms/jvp.ts";
export { heldBytes, type LoopStructure } from "./transforms/loop-structure.ts";
export { neededRows } from "./transforms/needed-rows.ts";
export type { OptimizedOptions } from "./transforms/optimized-steps.ts";
export type { Recompute } from "./transforms/recomputing.ts";
export { simplify } from "./transforms/simplify.ts";
export type { Stop } from "./transforms/stopping.ts";
export { adam, type OptimizerRule, sgd } from "./transforms/update-rules.ts";
export { vmap } from "./transforms/vmap.ts";
