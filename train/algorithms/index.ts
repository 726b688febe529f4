// The algorithms: each makes a learner of a model. Where one is to be chosen, by a config, a flag or a shell, it is from this list.
import type { Learner } from "@innerloop/graph";
import type { RunConfig } from "@innerloop/schemas";
import type { Model } from "../models/sequential.ts";
import { registry } from "../registry.ts";
import { anil } from "./anil.ts";
import { fomaml } from "./fomaml.ts";
import { maml } from "./maml.ts";
import { prototypes } from "./prototypes.ts";

export { classesOf, oneHot, prototypeHead, prototypes } from "@innerloop/graph";
export type { Algorithm, InnerSetting, LearnerOptions } from "./algorithm.ts";
export { type GradientLearnerOptions, gradientLearner } from "./gradient.ts";
export { type Head, heads } from "./heads/index.ts";
export { anil, fomaml, maml, prototypeLearner } from "./learners.ts";

/** One line each; the first that takes a setting is what an error names for it. */
export const algorithms = registry("algorithm", [maml, fomaml, anil, prototypes]);

/**
 * The learner that a run config describes, of a model.
 * @throws InnerloopError (status 2) `unknown-option` for an algorithm that there is not; what the algorithm throws
 */
export const buildLearner = (
  config: Pick<
    RunConfig,
    "algorithm" | "head" | "steps" | "testSteps" | "loop" | "innerRate" | "learnRates" | "maxInnerRate"
  >,
  model: Model,
  task: "classification" | "regression",
): Learner => algorithms.named(config.algorithm).build(model, { ...config, task });
