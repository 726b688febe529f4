// The algorithms as functions that programs call.
import { anil as anilAlgorithm } from "./anil.ts";
import { fomaml as fomamlAlgorithm } from "./fomaml.ts";
import { maml as mamlAlgorithm } from "./maml.ts";
import { prototypes as prototypesAlgorithm } from "./prototypes.ts";

/**
 * Model-agnostic meta-learning (Finn et al. 2017): every parameter moves, and the meta-gradient is exact, through the
 * inner gradients.
 * @example const learner = maml(metamodel([28, 28, 1], 5), { innerRate: 0.01, steps: 5 });
 */
export const maml = mamlAlgorithm.build;

/** First-order MAML (Finn et al. 2017, §5.2): the inner gradients count as constants in the meta-gradient. */
export const fomaml = fomamlAlgorithm.build;

/** Almost no inner loop (Raghu et al. 2020): only the head moves. */
export const anil = anilAlgorithm.build;

/** Prototypical networks (Snell et al. 2017): logits are −‖f(x) − c‖² to each class mean c, up to a term that all classes share. */
export const prototypeLearner = prototypesAlgorithm.build;
