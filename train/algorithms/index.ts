// Algorithms: each makes a learner of a model.
import type { Learner } from "@innerloop/graph";
import type { RunConfig } from "@innerloop/schemas";
import type { Model } from "../models/sequential.ts";
import { anil, fomaml, maml } from "./gradient.ts";
import { prototypeLearner } from "./prototypes.ts";

export { anil, fomaml, type GradientLearnerOptions, gradientLearner, maml } from "./gradient.ts";
export { classesOf, oneHot, prototypeHead, prototypes } from "./heads.ts";
export { prototypeLearner } from "./prototypes.ts";

const algorithms = { maml, fomaml, anil, prototypes: prototypeLearner };

/** The learner that a run config describes, of a model. */
export const buildLearner = (
  config: Pick<
    RunConfig,
    "algorithm" | "head" | "steps" | "testSteps" | "loop" | "innerRate" | "learnRates" | "maxInnerRate"
  >,
  model: Model,
  task: "classification" | "regression",
): Learner => algorithms[config.algorithm](model, { ...config, task });
