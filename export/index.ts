// The door of the room: a learner and its weights become a verified bundle.
export {
  type BuiltBundle,
  type BundleOptions,
  buildBundle,
  type ExportOptions,
  exportBundle,
  placeFor,
} from "./bundle.ts";
export { type CalibrateOptions, type CalibrationEpisode, calibrateBundle, type EpisodeSize } from "./calibrate.ts";
export {
  type Answers,
  expectedCalibrationError,
  type FitOptions,
  fitConfidence,
  thresholdFor,
} from "./fit-confidence.ts";
export type { Weights } from "./graphs.ts";
export { quantileRegression } from "./regression.ts";

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
