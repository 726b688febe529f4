// The door of the room: what a learner is worth. A run becomes a bundle, a bundle is measured as a device runs it, and the
// result is judged beside what needs no meta-learning. Everything here returns data; the command line prints it.
export { unadaptedAccuracy, untrainedAccuracy } from "./baselines/before.ts";
export { runVerdict } from "./baselines/judge.ts";
export type { Verdict } from "./baselines/verdict.ts";
export { type DescribedData, type DescribeOptions, describeData } from "./data/describe-data.ts";
export type {
  Carried,
  DataReport,
  NearDuplicates,
  NearPair,
  ReportedClass,
  ReportedColumn,
  ReportedSplit,
  Suggestion,
} from "./data/report.ts";
export { drawEpisode } from "./drawing/draw-episode.ts";
export { rasterized } from "./drawing/sheet.ts";
export { calibrationEpisodes, shiftedEpisode } from "./episodes/held-back.ts";
export type { ClusterInterval, Estimate } from "./estimate.ts";
export { type Answered, type AnswerOptions, BundleAnswers } from "./evaluation/bundle-answers.ts";
export type { ConfidenceResult } from "./evaluation/confidence.ts";
export { evaluateBundle } from "./evaluation/evaluate-bundle.ts";
export type { BundleEvaluation, EvaluationOptions, StepResult } from "./evaluation/evaluation.ts";
export type { KernelChoice } from "./evaluation/kernels.ts";
export type { Answers, Question } from "./evaluation/question.ts";
export { evaluateExamples, type OwnEvaluationOptions } from "./examples/evaluate-examples.ts";
export type {
  OwnBaseline,
  OwnClass,
  OwnConfidence,
  OwnEvaluation,
  OwnExample,
  WrongAnswer,
} from "./examples/evaluation.ts";
export { type Share, shareOf, signTest } from "./examples/shares.ts";
export { noteOnPictures } from "./examples/unlike-pictures.ts";
export { type ExportRunOptions, exportRun, type FinishedRun } from "./export-run.ts";
export { type BundleTimes, type Latency, type MeasureOptions, measureBundle } from "./latency/measure-bundle.ts";
export { type EncoderTrained, type EncoderTraining, trainOnEncoder } from "./train-on-encoder.ts";
