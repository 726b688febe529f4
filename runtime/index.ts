// The door of the room: what an application needs to run a bundle and make it its user's.
import { guard } from "@innerloop/schemas/bundle";
import * as inner from "./confidence.ts";

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
export type { ClassPrediction, Familiarity } from "./confidence.ts";
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
export type { PictureSettings } from "./given.ts";
export type { HostOptions, ProviderName } from "./host.ts";
export type { Cell, Input, Picture, PictureSource, Row, Samples, Sound } from "./input.ts";
export { Learner, type LoadOptions } from "./learner.ts";
export { Personal, type SaveOptions } from "./personal.ts";
export type { Prediction, ValuePrediction } from "./prediction.ts";
export { listProviders, type ProviderChoice, type ProviderReport } from "./providers.ts";
export type { ReadOptions } from "./reading.ts";

// Functions of numbers alone, which refuse wrong arguments by a code.
export const classify: typeof inner.classify = /* @__PURE__ */ guard(inner.classify, "classify");
export const closenessOf: typeof inner.closenessOf = /* @__PURE__ */ guard(inner.closenessOf, "closenessOf");
export const rejectionScore: typeof inner.rejectionScore = /* @__PURE__ */ guard(
  inner.rejectionScore,
  "rejectionScore",
);
export const supportSpread: typeof inner.supportSpread = /* @__PURE__ */ guard(inner.supportSpread, "supportSpread");
export const temperatureAt: typeof inner.temperatureAt = /* @__PURE__ */ guard(inner.temperatureAt, "temperatureAt");
export const thresholdAt: typeof inner.thresholdAt = /* @__PURE__ */ guard(inner.thresholdAt, "thresholdAt");
