// The graphs of a training step: the meta-gradient over tasks, the update from it, and both in one; and the numbers that
// they begin with.
import { input, type Learner, type LoopStructure, op, type Parameters, type Value } from "@innerloop/graph";
import type { OptimizerConfig, ScheduleConfig } from "@innerloop/schemas";
import type { Engine, Graph } from "../engines/index.ts";
import { gradient, next, total } from "../names.ts";
import {
  initialNumbers,
  initialState,
  type OptimizerRule,
  optimizerRule,
  scheduledRate,
  update,
} from "../optimizers/index.ts";
import { type Guard, guardFor } from "./guard.ts";
import {
  type EpisodeSizes,
  evaluationGraph,
  type MetaGradient,
  metaGradient,
  type ObjectiveOptions,
  parameterValues,
  stepWeights,
  stepWeightsInput,
} from "./objective.ts";
import { scalar, type Tensors, vector, zeros } from "./state.ts";
import { type InnerLoopSetting, laidOut, onProcessor, structureFor, type ToLayOut } from "./structure.ts";

export interface StepOptions {
  readonly optimizer: OptimizerConfig;
  readonly schedule: ScheduleConfig;
  readonly clip: number | null;
  readonly multiStepLoss: boolean;
  readonly precision: "float32" | "float16";
  /** How inner steps are laid out; `auto` unless given. */
  readonly innerLoop?: InnerLoopSetting;
  /** What the graphs run on. */
  readonly engine: Pick<Engine, "name">;
  /** Steps follow each other before anybody has read a loss, so the graph itself leaves out what is not finite. */
  readonly queued: boolean;
}

/** The step graphs of one learner. */
export class StepGraphs {
  readonly learner: Learner;
  readonly guard: Guard | undefined;
  readonly #options: StepOptions;
  readonly #rule: OptimizerRule;

  constructor(learner: Learner, options: StepOptions) {
    this.learner = learner;
    this.guard = guardFor(options.precision, options.queued);
    this.#options = options;
    this.#rule = optimizerRule(options.optimizer);
  }

  /** Gradient and update are programs of their own: the one in float16, the other not. */
  get apart(): boolean {
    return this.#options.precision === "float16";
  }

  /** All that goes from step to step, as it is at the start: parameters, the optimizer's arrays and the guard's. */
  firstState(seed: number): Tensors {
    const { parameters } = this.learner;
    return { ...initialNumbers(parameters, seed), ...initialState(this.#rule, parameters), ...this.guard?.first };
  }

  /** The inputs of a step besides state and episodes. @param step its number, from 1 @param progress of the run, 0 to 1 */
  scalars(step: number, progress: number): Tensors {
    return {
      step: scalar(step),
      progress: scalar(progress),
      step_weights: vector(stepWeights(this.learner.steps, progress)),
    };
  }

  /** What runs of {@link sums} take from the state. */
  get shared(): readonly string[] {
    const scale = this.guard?.lossScale;
    return [...Object.keys(this.learner.parameters), ...(scale === undefined ? [] : [scale])];
  }

  /**
   * `loss`, `accuracy` and `gradient/<parameter>`, summed over tasks.
   * @param tasks how many along a task axis; undefined: one, without such an axis
   */
  sums(sizes: EpisodeSizes, tasks: number | undefined): Graph {
    const parameters = parameterValues(this.learner);
    const { loss, accuracy, gradients } = this.#gradient(parameters, sizes, tasks);
    return {
      outputs: { loss, accuracy, ...gradient.named(gradients) },
      ...(this.apart ? { precision: "float16" as const } : {}),
    };
  }

  /** The same, each added to an input that has its name with `total/` in front. */
  running(sizes: EpisodeSizes, tasks: number): Graph {
    const { outputs, ...graph } = this.sums(sizes, tasks);
    const added = mapped(outputs, (value, name) => op.Add(input(total.of(name), value.shape), value));
    return { ...graph, outputs: added };
  }

  /** The sums of no tasks, which {@link running} starts from. */
  noSums(): Tensors {
    const slopes = mapped(this.learner.parameters, ({ shape }) => zeros(shape));
    return { loss: zeros([]), accuracy: zeros([]), ...gradient.named(slopes) };
  }

  /** The update from sums over tasks; the input `share` is 1 / tasks. */
  update(): Graph {
    const share = input("share", []);
    const means = mapped(this.learner.parameters, ({ shape }, name) => op.Mul(input(gradient.of(name), shape), share));
    return { outputs: this.#update(parameterValues(this.learner), means, input("loss", [])) };
  }

  /** Gradient and update in one. */
  whole(sizes: EpisodeSizes, tasks: number): Graph {
    const parameters = parameterValues(this.learner);
    const { loss, accuracy, gradients } = this.#gradient(parameters, sizes, tasks);
    const means = mapped(gradients, (value) => op.Mul(value, 1 / tasks));
    return { outputs: { loss, accuracy, ...this.#update(parameters, means, loss) } };
  }

  /** Results of one episode, with some number of inner steps. */
  evaluation(sizes: EpisodeSizes, steps: number): Graph {
    const structure = structureFor(this.#toLayOut(steps), () => []);
    return evaluationGraph(this.learner, sizes, steps, { structure, inPortions: onProcessor(this.#options) });
  }

  #gradient(parameters: Parameters, sizes: EpisodeSizes, tasks: number | undefined): MetaGradient {
    const build = (structure: LoopStructure) =>
      metaGradient(this.learner, parameters, sizes, tasks, { ...this.#objective, structure });
    return laidOut(this.#toLayOut(this.learner.steps), build, ({ gradients }) => Object.values(gradients));
  }

  #toLayOut(steps: number): ToLayOut {
    const { innerLoop, engine, precision } = this.#options;
    return { learner: this.learner, steps, engine, precision, ...(innerLoop ? { setting: innerLoop } : {}) };
  }

  get #objective(): ObjectiveOptions {
    const scale = this.guard?.lossScale;
    return {
      inPortions: onProcessor(this.#options),
      ...(this.#options.multiStepLoss ? { stepWeights: stepWeightsInput(this.learner.steps) } : {}),
      ...(scale === undefined ? {} : { lossScale: input(scale, []) }),
    };
  }

  /** `next/…` of the whole state and `gradient_norm`; where the guard does not accept the step, the state stays. */
  #update(parameters: Parameters, gradients: Parameters, loss: Value): Record<string, Value> {
    const { optimizer, schedule, clip } = this.#options;
    const [step, progress] = [input("step", []), input("progress", [])];
    const judgement = this.guard?.judge(loss);
    const moved = update(this.learner.parameters, parameters, gradients, {
      rule: this.#rule,
      rate: scheduledRate(optimizer.rate, schedule, step, progress),
      step,
      clip,
      ...(judgement ? { accept: judgement.accepts } : {}),
    });
    return judgement ? { ...moved, ...next.named(judgement.after(moved.gradient_norm!)) } : moved;
  }
}

const mapped = <A, B>(entries: Readonly<Record<string, A>>, make: (entry: A, name: string) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, make(entry, name)]));
