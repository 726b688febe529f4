// What a caller may say of a model that is made adaptable, and what is taken where nothing is said.
import { InnerloopError, show } from "@innerloop/schemas";
import type { LearnerPlan } from "./learner.ts";
import { type AdaptLoss, crossEntropy } from "./losses.ts";
import type { Network, NetworkOptions } from "./network.ts";
import { trainedWeights } from "./trained.ts";

/** How an ONNX model becomes adaptable. */
export interface AdaptableOptions extends NetworkOptions {
  /**
   * `any`, the default: as many classes as the examples have, by their means on the embedding and steps from there.
   * `ways:N`: a fresh classifier of N classes on the embedding. `keep`: the model's own outputs.
   */
  readonly head?: string;
  /** What moves besides a fresh head: `head`, the default, is nothing; `all` every weight; of several, all of them. */
  readonly train?: string | readonly string[];
  /** The loss; cross-entropy unless given. */
  readonly loss?: AdaptLoss;
  /** Steps of an adaptation where the user names no number. */
  readonly steps?: number;
  /** The rate of what moves in the model. */
  readonly rate?: number;
  /** The rate of a fresh head. */
  readonly headRate?: number;
}

/** What is taken unless given. */
const usual = { anySteps: 10, freshSteps: 20, modelSteps: 10, rate: 0.01, anyRate: 1, freshRate: 0.4 };

/**
 * The head that a word names.
 * @throws InnerloopError `bad-option` (status 2)
 */
function headFrom(word: string): LearnerPlan["head"] {
  if (word === "any" || word === "keep") return word;
  const ways = /^ways:(\d+)$/.exec(word)?.[1];
  if (ways !== undefined && Number(ways) >= 2 && Number(ways) <= 10_000) return Number(ways);
  throw new InnerloopError(
    "bad-option",
    `The head ${show(word)} was asked for; any, keep or ways:N with a number of classes from 2 was expected.`,
    { exitStatus: 2 },
  );
}

/**
 * All that a learner is made with.
 * @throws InnerloopError `bad-option` (status 2) for what does not go together
 */
export function planLearner(network: Network, options: AdaptableOptions): LearnerPlan {
  const head = headFrom(options.head ?? "any");
  const moved = movedWeights(
    network,
    head,
    typeof options.train === "string" ? [options.train] : (options.train ?? ["head"]),
  );
  const alone = moved.length === 0;
  return {
    head,
    moved,
    loss: options.loss ?? crossEntropy(),
    steps: options.steps ?? (alone ? (head === "any" ? usual.anySteps : usual.freshSteps) : usual.modelSteps),
    rate: options.rate ?? usual.rate,
    headRate: options.headRate ?? (head === "any" ? usual.anyRate : usual.freshRate),
  };
}

/** The names of the weights of the model that move. */
function movedWeights(network: Network, head: LearnerPlan["head"], words: readonly string[]): string[] {
  const own = head === "keep";
  const names = [...network.body, ...(own ? network.head : [])];
  return trainedWeights(words, {
    weights: Object.fromEntries(names.map((name) => [name, network.weights[name]!.shape])),
    head: own ? network.head : new Set(),
    roles: network.roles,
  });
}
