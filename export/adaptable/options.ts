// What a caller may say of a model that is made adaptable, and what is taken where nothing is said.
import type { Recompute, Stop } from "@innerloop/graph";
import { InnerloopError, show } from "@innerloop/schemas";
import type { LearnerPlan } from "./learner.ts";
import { type AdaptLoss, type LossSettings, lossNamed } from "./losses.ts";
import type { Network, NetworkOptions } from "./network.ts";
import { type OptimizerOptions, ruleOf } from "./optimizer.ts";
import { trainedWeights } from "./trained.ts";

/** How an ONNX model becomes adaptable. */
export interface AdaptableOptions extends NetworkOptions {
  /**
   * `any`, the default: as many classes as the examples have, by a regression on the embedding and steps from there.
   * `means`: the same by the mean of each class. `ways:N`: a fresh classifier of N classes on the embedding. `keep`: the model's own outputs.
   */
  readonly head?: string;
  /**
   * What moves besides a fresh head: `head`, the default, is nothing; `all` every weight, `bias`, `norm`, `/pattern/` of names;
   * `lora:R` factors of rank R beside the weights of products. Of several, all of them.
   */
  readonly train?: string | readonly string[];
  /** Of `lora:R`: what the factors' product is multiplied by, times R; R unless given. */
  readonly alpha?: number;
  /** Of `lora:R`: whether a weight gets factors, by its name and that of the node that multiplies by it; every one unless given. */
  readonly adapters?: (weight: string, node: string) => boolean;
  /** The loss, by its name or as a function; cross-entropy unless given. */
  readonly loss?: string | AdaptLoss;
  readonly lossSettings?: LossSettings;
  /** Plain descent for a head alone, Adam where more moves, unless given. */
  readonly optimizer?: OptimizerOptions["kind"] | OptimizerOptions;
  /** What ends an adaptation before its last step: a loss that is reached, or so many steps in a row that kept nothing. */
  readonly stop?: Stop;
  /** Steps of an adaptation where the user names no number. */
  readonly steps?: number;
  /** The rate of what moves in the model; or rates by patterns of names, of which the first that matches counts. */
  readonly rate?: number | readonly (readonly [pattern: RegExp, rate: number])[];
  /** The rate of a fresh head. */
  readonly headRate?: number;
  /**
   * How much a step computes again of what the model makes on its way, in the place of keeping it: less memory, for up to half of the time
   * more. `true`: so that the least is kept. A number: so that about so many bytes are kept at most, with eight examples where their number
   * is open. False unless given.
   */
  readonly recompute?: Recompute;
}

/** What is taken unless given: figures of a head alone, where the model moves by plain descent, and by an optimizer. */
const usual = {
  steps: { any: 10, fresh: 20, model: 10 },
  rate: { sgd: 0.01, momentum: 0.01, adam: 0.001, adamw: 0.001 },
  head: { any: 1, fresh: 0.4, optimized: 0.01 },
};

/** The rank of `lora:R` among words; undefined where there is none. */
export function loraRank(words: readonly string[]): number | undefined {
  const word = words.find((each) => each.startsWith("lora"));
  if (word === undefined) return undefined;
  const rank = Number(/^lora:(\d+)$/.exec(word)?.[1]);
  if (rank >= 1 && rank <= 4096) return rank;
  throw badOption(`${show(word)} was given; lora:R with a rank from 1 was expected, as lora:8`);
}

export const trainWords = ({ train = "head" }: AdaptableOptions): readonly string[] =>
  typeof train === "string" ? [train] : train;

/** The head that a word names. @throws InnerloopError `bad-option` (status 2) */
function headFrom(word: string): LearnerPlan["head"] {
  if (word === "any" || word === "means" || word === "keep") return word;
  const ways = Number(/^ways:(\d+)$/.exec(word)?.[1]);
  if (ways >= 2 && ways <= 10_000) return ways;
  throw badOption(
    `the head ${show(word)} was asked for; any, means, keep or ways:N with a number of classes from 2 was expected`,
  );
}

/**
 * All that a learner is made with.
 * @param factors the names of the factors of LoRA in the network
 * @throws InnerloopError `bad-option` (status 2) for what does not go together
 */
export function planLearner(network: Network, options: AdaptableOptions, factors: readonly string[] = []): LearnerPlan {
  const head = headFrom(options.head ?? "any");
  const { loss = "cross-entropy", lossSettings, optimizer } = options;
  const chosen = typeof loss === "string" ? lossNamed(loss, lossSettings) : loss;
  const names = [...movedWeights(network, head, trainWords(options)), ...factors];
  const moves = names.length > 0;
  checkTogether(head, chosen, moves);
  const kind = typeof optimizer === "string" ? { kind: optimizer } : (optimizer ?? { kind: moves ? "adam" : "sgd" });
  const rule = ruleOf(kind);
  const { batch } = kind;
  const rateOf = rates(options.rate, usual.rate[kind.kind]);
  const open = head === "any" || head === "means";
  const steps = moves ? usual.steps.model : open ? usual.steps.any : usual.steps.fresh;
  const headRate = rule ? usual.head.optimized : open ? usual.head.any : usual.head.fresh;
  return {
    head,
    moved: Object.fromEntries(names.map((name) => [name, rateOf(name)])),
    loss: chosen,
    steps: options.steps ?? steps,
    headRate: options.headRate ?? headRate,
    optimizer: rule,
    stop: stopOf(options.stop, batch),
    batch,
    recompute: recomputeOf(options.recompute),
  };
}

function recomputeOf(recompute: Recompute = false): Recompute {
  const bytes = typeof recompute === "object" ? recompute.about : recompute;
  if (typeof bytes === "boolean" || bytes > 0) return recompute;
  throw badOption(`recompute ${show(bytes)} was given; true, false or a number of bytes above 0 was expected`);
}

function stopOf(stop: Stop | undefined, batch: number | undefined): Stop | undefined {
  if (!stop) return undefined;
  const { loss = 0, patience = 1 } = stop;
  if (!(Number.isFinite(loss) && Number.isInteger(patience) && patience >= 1))
    throw badOption(
      `a stop of loss ${show(stop.loss)} and patience ${show(stop.patience)} was given; a number, and a whole number from 1, were expected`,
    );
  // Only start and end are looked at with all examples then.
  if (batch !== undefined)
    throw badOption("a stop was given with a batch, whose loss says little; leave one of them out");
  return stop;
}

function checkTogether(head: LearnerPlan["head"], { task, on, name }: AdaptLoss, moves: boolean): void {
  if (task === "regression" && head !== "keep")
    throw badOption(`the loss ${name} is of values, and a fresh head tells classes apart; give --head keep`);
  if (on === "features" && head !== "any" && head !== "means")
    throw badOption(`the loss ${name} is of the embedding, and says nothing of a classifier; give --head any`);
  if (on === "features" && !moves)
    throw badOption(`the loss ${name} is of the embedding, which does not move; say what does, as --train all`);
  if (head === "keep" && !moves)
    throw badOption("the model's own outputs are kept, and none of its weights moves; say which do, as --train all");
}

/** The rate of a weight by its name. */
function rates(given: AdaptableOptions["rate"], otherwise: number): (name: string) => number {
  if (typeof given === "number") return () => given;
  return (name) => given?.find(([pattern]) => pattern.test(name))?.[1] ?? otherwise;
}

/** The names of the weights of the model that move. */
function movedWeights(network: Network, head: LearnerPlan["head"], words: readonly string[]): string[] {
  const own = head === "keep";
  const names = [...network.body, ...(own ? network.head : [])].filter(
    (name) => !name.startsWith("lora/") && network.weights[name]!.dtype === "float32",
  );
  return trainedWeights(
    words.filter((word) => !word.startsWith("lora")),
    {
      weights: Object.fromEntries(names.map((name) => [name, network.weights[name]!.shape])),
      head: own ? network.head : new Set(),
      uses: network.uses,
    },
  );
}

const badOption = (message: string): InnerloopError =>
  new InnerloopError("bad-option", `${message}.`, { exitStatus: 2 });
