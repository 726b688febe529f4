// What the oracle computes with: arrays, networks, tasks, and what comes out.

/** A dense row-major array of float64. Images are `[N, H, W, C]`, convolution weights `[kh, kw, Cin, Cout]`, dense weights `[in, out]`. */
export interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Arrays by parameter name (`conv1.weight`, `norm1.gain`, `head.bias`, …): weights, gradients or directions. */
export type Arrays = Readonly<Record<string, Array64>>;

/** Which network. `filters`, `norm`, `strides` and `pool` belong to `conv4`. */
export interface NetworkSpec {
  readonly model: "mlp" | "metamodel" | "conv4";
  /** Without the batch axis: `[1]` or `[H, W, C]`. */
  readonly inputShape: readonly number[];
  /** Ways, or the size of a regression's output. */
  readonly outputs: number;
  readonly activation: "relu" | "tanh";
  readonly filters?: number;
  readonly norm?: "layer" | "batch" | "none";
  /** The strides of the four convolutions; 2, 2, 2, 1 unless given. */
  readonly strides?: readonly number[];
  /** A 2×2 max-pool after each activation. */
  readonly pool?: boolean;
}

/** `x` is `[n, ...inputShape]`; `y` holds class numbers `[n]` (cross-entropy), or for the mlp targets `[n, outputs]` (squared error). */
export interface Batch {
  readonly x: Array64;
  readonly y: Array64;
}

export interface Task {
  readonly support: Batch;
  readonly query: Batch;
}

export interface Evaluation {
  readonly loss: number;
  /** `[n, outputs]` */
  readonly logits: Array64;
  /** By parameter name, in the shape of the parameter. */
  readonly gradients: Arrays;
  /**
   * The distance to the nearest kink: the smallest |input of a ReLU| and the smallest lead of a pool's maximum over the
   * runner-up (windows whose maximum is a ReLU's zero do not count, they pass no gradient). Infinity without kinks.
   */
  readonly margin: number;
}

export interface Adaptation {
  /** θ' */
  readonly parameters: Arrays;
  /** Before each step, and after the last: `steps + 1` values. */
  readonly supportLosses: readonly number[];
  /** The smallest margin on the way. */
  readonly margin: number;
}

/** `rates` names the parameters that adapt, each with its rate; the others stay. */
export interface InnerLoop {
  readonly steps: number;
  readonly rates: Readonly<Record<string, number>>;
}
