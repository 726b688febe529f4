// The door of the room: what an application needs to run a bundle and make it its user's.
export { InnerloopError, type Manifest, type Tensor } from "@innerloop/schemas/bundle";
export type { BundleSource } from "./bundle.ts";
export type {
  Batch,
  Example,
  LabelledBatch,
  LabelledExample,
  Numbers,
  RegressionExamples,
  Support,
  Task,
} from "./examples.ts";
export type { HostOptions, ProviderName } from "./host.ts";
export {
  type AdaptOptions,
  type ClassPrediction,
  Learner,
  type LoadOptions,
  Personal,
  type Prediction,
  type ValuePrediction,
} from "./learner.ts";
export { listProviders, type ProviderChoice, type ProviderReport } from "./providers.ts";
