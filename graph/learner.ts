// What a learner is: two graphs and the numbers they start from. Training composes the two and differentiates, export
// writes them, the runtime runs them; so what was trained is what ships, whatever the algorithm.
import type { HeadKind } from "@innerloop/schemas";
import type { Dim } from "./core/dims.ts";
import type { Operand, Value } from "./core/value.ts";
import type { Guard } from "./transforms/descent.ts";
import type { LoopKind, Parameters } from "./transforms/inner-loop.ts";
import type { LoopStructure } from "./transforms/loop-structure.ts";

/** A meta-learned array: its shape, and its first numbers given a source of random ones. */
export interface ParameterSpec {
  readonly shape: readonly number[];
  /** @param random `uniform()` in [0, 1) and `normal()` */
  initialize(random: { uniform(): number; normal(): number }): Float32Array;
  /** Multiplies the outer learning rate; 1 unless given. */
  readonly outerRate?: number;
  /** Held between these after every meta-update. */
  readonly bounds?: readonly [number, number];
}

/** Examples as graph values: `x [n, ...inputShape]`, `y` int64 labels `[n]`, or float32 targets `[n, outputs]`. */
export interface ExampleValues {
  readonly x: Value;
  readonly y: Value;
}

export interface AdaptSettings {
  /** Inner steps: a number (differentiable) or an int64 scalar (an ONNX Loop). */
  readonly steps: number | Value;
  /** How a number of steps is laid out; `unrolled` unless given. */
  readonly structure?: LoopStructure;
  /** Multiplies every inner rate. */
  readonly rate?: Operand;
  /** How many classes the support set has: a number, or a name where only the labels tell. */
  readonly ways: Dim;
  /** Leave head outputs out of the loss whose class has no example. */
  readonly masked?: boolean;
  /** A scalar that inner losses are multiplied by while their derivatives are taken, for graphs that run in float16. */
  readonly lossScale?: Value;
  /** Each class weighs the same in the support loss, however many examples it has. */
  readonly balanced?: boolean;
}

/** What adapting to a support set gives. */
export interface AdaptationValues {
  /** All that prediction needs besides the parameters: adapted parameters, and heads made from the support set. */
  readonly state: Parameters;
  /**
   * Support loss before each step and after the last, `[steps + 1]`; `[1]` where there are no steps. Of a guarded loop it
   * is that of the state that is kept at that time.
   */
  readonly losses: Value;
  /** The state after each step, first the start; empty where the number of steps is a value. */
  readonly path: readonly Parameters[];
  /** What a guarded loop says of itself. */
  readonly guard?: Guard;
}

/** An algorithm applied to a model. */
export interface Learner {
  readonly algorithm: string;
  readonly head: HeadKind;
  readonly task: "classification" | "regression";
  /** Without the batch axis. */
  readonly inputShape: readonly number[];
  /** Head outputs: ways, or the size of a regression; undefined where the head takes any number of classes. */
  readonly outputs: number | undefined;
  /** Inner steps in training. */
  readonly steps: number;
  /** Inner steps of an adaptation after training, where the user names none; as many as in training unless given. */
  readonly testSteps?: number;
  /** How steps are taken; undefined where the algorithm takes none. */
  readonly loop?: LoopKind;
  /** Every meta-learned array by name: weights, and learned inner rates as `rate/<parameter>`. */
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
  /**
   * Parameters that are part of the graphs as they are: no caller gives others. A learner that has any begins every adaptation
   * at its own weights.
   */
  readonly fixed?: ReadonlySet<string>;
  /** The inner rate of each parameter that moves: a fixed number, or the name of the meta-parameter that holds it. */
  readonly rates: Readonly<Record<string, number | string>>;
  /** The normalization of the body, and whether it uses statistics of the support set. */
  readonly norm: string;
  readonly usesBatchStatistics: boolean;
  adapt(parameters: Parameters, support: ExampleValues, options: AdaptSettings): AdaptationValues;
  /**
   * `[n, ...inputShape]` to logits `[n, ways]` (regression: `[n, outputs]`).
   * @param options transductive: normalize by the query batch's own statistics, where the body has batch norm; absolute:
   *   logits of a head made from prototypes are −‖x − c‖² as a whole, without it up to a term that the classes share
   */
  predict(
    parameters: Parameters,
    state: Parameters,
    query: Value,
    options?: { readonly transductive?: boolean; readonly absolute?: boolean },
  ): Value;
  /** The scalar loss of predictions. */
  loss(predictions: Value, targets: Value): Value;
}
