// The door of the room: what an application needs to run a bundle and make it its user's.
export {
  type Confidence,
  InnerloopError,
  type Manifest,
  type Rejection,
  type Spread,
  type Tensor,
} from "@innerloop/schemas/bundle";
export type { Adaptation, AdaptOptions, Progress, StepOptions } from "./adaptation.ts";
export type { BundleSource } from "./bundle.ts";
export {
  type ClassPrediction,
  classify,
  closenessOf,
  type Familiarity,
  rejectionScore,
  supportSpread,
  temperatureAt,
  thresholdAt,
} from "./confidence.ts";
export type { Key } from "./encryption.ts";
export type { Check, ClassEvaluation, Evaluation, LabelEvaluation, ValueEvaluation } from "./evaluation.ts";
export type {
  Batch,
  Example,
  Examples,
  LabelledBatch,
  LabelledExample,
  Numbers,
  RegressionExamples,
  Support,
  Task,
} from "./examples.ts";
export type { HostOptions, ProviderName } from "./host.ts";
export type { Input, Picture, PictureSource, Samples, Sound } from "./input.ts";
export { Learner, type LoadOptions } from "./learner.ts";
export { Personal, type SaveOptions } from "./personal.ts";
export type { Prediction, ValuePrediction } from "./prediction.ts";
export { listProviders, type ProviderChoice, type ProviderReport } from "./providers.ts";
export type { ReadOptions } from "./reading.ts";
