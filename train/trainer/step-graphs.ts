// The graphs of a training step: the meta-gradient over tasks, the update from it, and both in one; with guards where a
// step is decided on by the device, before the host has seen its loss.
import { input, type Learner, op, type Parameters, type Value } from "@innerloop/graph";
import type { OptimizerConfig, ScheduleConfig, Tensor } from "@innerloop/schemas";
import type { Graph } from "../engines/index.ts";
import { initialState, type OptimizerRule, optimizerRule, scheduledRate, update } from "../optimizers/index.ts";
import { type EpisodeSizes, metaGradient, parameterValues, stepWeightsInput } from "./objective.ts";
import { type State, scalar, type Tensors } from "./state.ts";

export interface StepOptions {
  readonly optimizer: OptimizerConfig;
  readonly schedule: ScheduleConfig;
  readonly clip: number | null;
  readonly multiStepLoss: boolean;
  readonly precision: "float32" | "float16";
  /** Steps follow each other before anybody has read a loss, so the graph itself leaves out what is not finite. */
  readonly guarded: boolean;
}

/** 1 until a step was not finite; from then on, steps change nothing. */
export const health = "guard/health";
/** What the losses of a float16 step are multiplied by, and how many finite steps it has stood for. */
const lossScale = "guard/loss_scale";
const steady = "guard/steady";

/** Loss scaling as in Micikevicius et al. 2018, §3.2: halved when a step is not finite, doubled after many that are. */
const scaling = { first: 2 ** 12, least: 1, most: 2 ** 24, steps: 500 };

/** Larger than every finite float32 that a loss should reach; comparing with it is false for NaN, too. */
const largest = 3e38;

const gradientPrefix = "gradient/";
const totalPrefix = "total/";

const prefixed = (prefix: string, values: Parameters): Parameters =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));

/** The step graphs of one learner. */
export class StepGraphs {
  readonly learner: Learner;
  readonly #options: StepOptions;
  readonly #rule: OptimizerRule;

  constructor(learner: Learner, options: StepOptions) {
    this.learner = learner;
    this.#options = options;
    this.#rule = optimizerRule(options.optimizer);
  }

  /** Gradient and update are programs of their own: the one in float16, the other not. */
  get apart(): boolean {
    return this.#options.precision === "float16";
  }

  /** What goes along with the parameters from step to step, as it is at the start. */
  initialState(): Tensors {
    return { ...initialState(this.#rule, this.learner.parameters), ...this.#guards() };
  }

  #guards(): Tensors {
    if (this.apart) return { [lossScale]: scalar(scaling.first), [steady]: scalar(0) };
    return this.#options.guarded ? { [health]: scalar(1) } : {};
  }

  /** What runs of {@link sums} take from the state. */
  get shared(): readonly string[] {
    return [...Object.keys(this.learner.parameters), ...(this.apart ? [lossScale] : [])];
  }

  /**
   * `loss`, `accuracy` and `gradient/<parameter>`, summed over tasks.
   * @param tasks how many along a task axis; undefined: one, without such an axis
   */
  sums(sizes: EpisodeSizes, tasks: number | undefined): Graph {
    const { loss, accuracy, gradients } = this.#objective(parameterValues(this.learner), sizes, tasks);
    return {
      outputs: { loss, accuracy, ...prefixed(gradientPrefix, gradients) },
      ...(this.apart ? { precision: "float16" as const } : {}),
    };
  }

  /** The same, each added to an input that has its name with `total/` in front. */
  running(sizes: EpisodeSizes, tasks: number): Graph {
    const { outputs, ...graph } = this.sums(sizes, tasks);
    const added = Object.entries(outputs).map(([name, value]): [string, Value] => [
      name,
      op.Add(input(`${totalPrefix}${name}`, value.shape), value),
    ]);
    return { ...graph, outputs: Object.fromEntries(added) };
  }

  /** The sums of no tasks, which {@link running} starts from. */
  noSums(): Tensors {
    const zero = (shape: readonly number[]): Tensor => ({
      dtype: "float32",
      shape,
      data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
    });
    const gradients = Object.entries(this.learner.parameters).map(([name, { shape }]): [string, Tensor] => [
      `${gradientPrefix}${name}`,
      zero(shape),
    ]);
    return { loss: zero([]), accuracy: zero([]), ...Object.fromEntries(gradients) };
  }

  /** The update from sums over tasks; the input `share` is 1 / tasks. */
  update(): Graph {
    const share = input("share", []);
    const means = Object.entries(this.learner.parameters).map(([name, { shape }]): [string, Value] => [
      name,
      op.Mul(input(`${gradientPrefix}${name}`, shape), share),
    ]);
    const guarded = this.apart || this.#options.guarded;
    const loss = guarded ? input("loss", []) : undefined;
    return { outputs: this.#update(parameterValues(this.learner), Object.fromEntries(means), loss) };
  }

  /** Gradient and update in one. */
  whole(sizes: EpisodeSizes, tasks: number): Graph {
    const parameters = parameterValues(this.learner);
    const { loss, accuracy, gradients } = this.#objective(parameters, sizes, tasks);
    const means = Object.entries(gradients).map(([name, value]) => [name, op.Mul(value, 1 / tasks)]);
    const guarded = this.#options.guarded ? loss : undefined;
    return { outputs: { loss, accuracy, ...this.#update(parameters, Object.fromEntries(means), guarded) } };
  }

  #objective(parameters: Parameters, sizes: EpisodeSizes, tasks: number | undefined) {
    return metaGradient(this.learner, parameters, sizes, tasks, {
      ...(this.#options.multiStepLoss ? { stepWeights: stepWeightsInput(this.learner.steps) } : {}),
      ...(this.apart ? { lossScale: input(lossScale, []) } : {}),
    });
  }

  /** `next/…` of the whole state and `gradient_norm`; with a loss, the state stays where loss or gradient is not finite. */
  #update(parameters: Parameters, gradients: Parameters, loss: Value | undefined): Record<string, Value> {
    const { optimizer, schedule, clip } = this.#options;
    const [step, progress] = [input("step", []), input("progress", [])];
    const rate = scheduledRate(optimizer.rate, schedule, step, progress);
    const options = { rule: this.#rule, rate, step, clip };
    if (!loss) return update(this.learner.parameters, parameters, gradients, options);
    let guards: Record<string, Value> = {};
    const accept = (norm: Value): Value => {
      const finite = op.And(op.Less(op.Abs(loss), largest), op.Less(op.Abs(norm), largest));
      if (this.apart) {
        guards = nextScale(finite);
        return finite;
      }
      const well = op.And(finite, op.Greater(input(health, []), 0.5));
      guards = { [`next/${health}`]: op.Cast(well, "float32") };
      return well;
    };
    return { ...update(this.learner.parameters, parameters, gradients, { ...options, accept }), ...guards };
  }
}

/** The loss scale after a step. */
function nextScale(finite: Value): Record<string, Value> {
  const [scale, count] = [input(lossScale, []), op.Add(input(steady, []), 1)];
  const grows = op.GreaterOrEqual(count, scaling.steps);
  const after = op.Where(grows, op.Min(op.Mul(scale, 2), scaling.most), scale);
  return {
    [`next/${lossScale}`]: op.Where(finite, after, op.Max(op.Mul(scale, 0.5), scaling.least)),
    [`next/${steady}`]: op.Where(op.And(finite, op.Not(grows)), count, 0),
  };
}

/** Sums as the inputs that {@link StepGraphs.running} adds to. */
export const asTotals = (sums: State): State =>
  Object.fromEntries(Object.entries(sums).map(([name, tensor]) => [`${totalPrefix}${name}`, tensor]));
