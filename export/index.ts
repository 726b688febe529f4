// The door of the room: a learner and its weights become a verified bundle.

export {
  type Adaptable,
  type AdaptableOptions,
  type AdaptLoss,
  type EncodedOptions,
  type Encoder,
  type ExportAdaptableOptions,
  exportAdaptable,
  type LossContext,
  type LossSettings,
  lossNamed,
  lossNames,
  lossOfFile,
  type OptimizerOptions,
  openEncoder,
  optimizerKinds,
  type RawInput,
} from "./adaptable/index.ts";
export {
  type BuiltBundle,
  type BundleOptions,
  buildBundle,
  type ExportOptions,
  exportBundle,
  placeFor,
} from "./bundle.ts";
export { type CalibrateOptions, type CalibrationEpisode, calibrateBundle, type EpisodeSize } from "./calibrate.ts";
export { type Answers, expectedCalibrationError, thresholdFor } from "./confidence/answers.ts";
export { type FitConfidenceOptions, fitConfidence } from "./confidence/fit.ts";
export { quantileRegression } from "./confidence/regression.ts";
export type { Weights } from "./graphs.ts";
export { type Merged, mergeAdapted } from "./merge.ts";
export {
  kinkTolerance,
  type ReferenceAnswer,
  tolerance,
  type Verification,
  type VerificationEpisode,
  type VerificationExamples,
  type VerifyOptions,
  verifyBundle,
} from "./verify.ts";
