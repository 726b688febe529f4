// An independent float64 oracle of the models, their gradients and the inner loop: plain loops and hand-written
// backpropagation, importing nothing of ours, so that the graph room is checked against other mathematics than its own.

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

type Layer =
  | { readonly kind: "dense"; readonly name: string; readonly outputs: number }
  | {
      readonly kind: "convolution";
      readonly name: string;
      readonly filters: number;
      readonly stride: number;
      readonly bias: boolean;
    }
  | { readonly kind: "norm"; readonly name: string; readonly over: "layer" | "batch" }
  | { readonly kind: "activation"; readonly name: "relu" | "tanh" }
  | { readonly kind: "pool" }
  | { readonly kind: "flatten" };

const EPSILON = 1e-5;

function layersOf(spec: NetworkSpec): Layer[] {
  const activation: Layer = { kind: "activation", name: spec.activation };
  const dense = (name: string, outputs: number): Layer => ({ kind: "dense", name, outputs });
  const head = dense("head", spec.outputs);
  switch (spec.model) {
    case "mlp":
      return [dense("dense1", 40), activation, dense("dense2", 40), activation, head];
    case "metamodel": {
      const block = (name: string, filters: number): Layer[] => [
        { kind: "convolution", name, filters, stride: 1, bias: true },
        activation,
        { kind: "pool" },
      ];
      return [
        ...block("conv1", 32),
        ...block("conv2", 64),
        { kind: "flatten" },
        dense("dense1", 128),
        activation,
        head,
      ];
    }
    case "conv4": {
      const { filters = 64, norm = "layer", strides = [2, 2, 2, 1], pool = false } = spec;
      const blocks = strides.flatMap((stride, index): Layer[] => [
        { kind: "convolution", name: `conv${index + 1}`, filters, stride, bias: norm === "none" },
        ...(norm === "none" ? [] : [{ kind: "norm", name: `norm${index + 1}`, over: norm } as const]),
        activation,
        ...(pool ? [{ kind: "pool" } as const] : []),
      ]);
      return [...blocks, { kind: "flatten" }, head];
    }
  }
}

const product = (shape: readonly number[]): number => shape.reduce((total, extent) => total * extent, 1);
const array = (shape: readonly number[], data: Float64Array = new Float64Array(product(shape))): Array64 => ({
  shape,
  data,
});
const convolved = (extent: number, stride: number): number => Math.floor((extent + 2 - 3) / stride) + 1;

/** Names and shapes of the parameters, in the order in which the data of the recorded cases is drawn. */
export function parameterShapes(spec: NetworkSpec): [name: string, shape: number[]][] {
  const shapes: [string, number[]][] = [];
  let shape = [...spec.inputShape];
  for (const layer of layersOf(spec)) {
    const [height = 0, width = 0] = shape;
    const channels = shape.at(-1)!;
    switch (layer.kind) {
      case "dense":
        shapes.push([`${layer.name}.weight`, [channels, layer.outputs]], [`${layer.name}.bias`, [layer.outputs]]);
        shape = [layer.outputs];
        break;
      case "convolution":
        shapes.push([`${layer.name}.weight`, [3, 3, channels, layer.filters]]);
        if (layer.bias) shapes.push([`${layer.name}.bias`, [layer.filters]]);
        shape = [convolved(height, layer.stride), convolved(width, layer.stride), layer.filters];
        break;
      case "norm":
        shapes.push([`${layer.name}.gain`, [channels]], [`${layer.name}.bias`, [channels]]);
        break;
      case "pool":
        shape = [Math.floor(height / 2), Math.floor(width / 2), channels];
        break;
      case "flatten":
        shape = [product(shape)];
        break;
    }
  }
  return shapes;
}

/** What a forward pass leaves for the way back: per layer, a function from the cotangent of its output to that of its input. */
interface Tape {
  readonly parameters: Arrays;
  readonly gradients: Record<string, Array64>;
  readonly back: ((cotangent: Float64Array) => Float64Array)[];
  margin: number;
}

function parameter(tape: Tape, name: string): { value: Float64Array; gradient: Float64Array } {
  const given = tape.parameters[name];
  if (given === undefined) throw new Error(`the oracle was given no parameter ${name}`);
  const gradient = array(given.shape);
  tape.gradients[name] = gradient;
  return { value: given.data, gradient: gradient.data };
}

function dense(tape: Tape, x: Array64, name: string, outputs: number): Array64 {
  const [rows = 0, inputs = 0] = x.shape;
  const weight = parameter(tape, `${name}.weight`);
  const bias = parameter(tape, `${name}.bias`);
  const y = array([rows, outputs]);
  for (let n = 0; n < rows; n++)
    for (let o = 0; o < outputs; o++) {
      let sum = bias.value[o]!;
      for (let i = 0; i < inputs; i++) sum += x.data[n * inputs + i]! * weight.value[i * outputs + o]!;
      y.data[n * outputs + o] = sum;
    }
  tape.back.push((dy) => {
    const dx = new Float64Array(x.data.length);
    for (let n = 0; n < rows; n++)
      for (let o = 0; o < outputs; o++) {
        const g = dy[n * outputs + o]!;
        bias.gradient[o]! += g;
        for (let i = 0; i < inputs; i++) {
          weight.gradient[i * outputs + o]! += g * x.data[n * inputs + i]!;
          dx[n * inputs + i]! += g * weight.value[i * outputs + o]!;
        }
      }
    return dx;
  });
  return y;
}

/** 3×3, one ring of zeros around the image, and a stride. */
function convolution(tape: Tape, x: Array64, name: string, filters: number, stride: number, biased: boolean): Array64 {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const [rows, columns] = [convolved(height, stride), convolved(width, stride)];
  const weight = parameter(tape, `${name}.weight`);
  const bias = biased ? parameter(tape, `${name}.bias`) : undefined;
  const y = array([batch, rows, columns, filters]);
  // Visits every (output position, input position, kernel position) that meet inside the image, as offsets of their channels.
  const visit = (meet: (output: number, input: number, kernel: number) => void): void => {
    for (let n = 0; n < batch; n++)
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++)
          for (let i = 0; i < 3; i++)
            for (let j = 0; j < 3; j++) {
              const [h, w] = [r * stride + i - 1, c * stride + j - 1];
              if (h < 0 || h >= height || w < 0 || w >= width) continue;
              meet(
                ((n * rows + r) * columns + c) * filters,
                ((n * height + h) * width + w) * channels,
                (i * 3 + j) * channels * filters,
              );
            }
  };
  if (bias) for (let i = 0; i < y.data.length; i++) y.data[i] = bias.value[i % filters]!;
  visit((output, input, kernel) => {
    for (let k = 0; k < channels; k++) {
      const value = x.data[input + k]!;
      const row = kernel + k * filters;
      for (let f = 0; f < filters; f++) y.data[output + f]! += value * weight.value[row + f]!;
    }
  });
  tape.back.push((dy) => {
    const dx = new Float64Array(x.data.length);
    if (bias) for (let i = 0; i < dy.length; i++) bias.gradient[i % filters]! += dy[i]!;
    visit((output, input, kernel) => {
      for (let k = 0; k < channels; k++) {
        const value = x.data[input + k]!;
        const row = kernel + k * filters;
        let sum = 0;
        for (let f = 0; f < filters; f++) {
          const g = dy[output + f]!;
          weight.gradient[row + f]! += value * g;
          sum += weight.value[row + f]! * g;
        }
        dx[input + k]! += sum;
      }
    });
    return dx;
  });
  return y;
}

/** "layer": over positions and channels of each example; "batch": over examples and positions of each channel. Biased variance. */
function norm(tape: Tape, x: Array64, name: string, over: "layer" | "batch"): Array64 {
  const channels = x.shape.at(-1)!;
  const example = x.data.length / x.shape[0]!;
  const groups = over === "layer" ? x.shape[0]! : channels;
  const members = x.data.length / groups;
  const groupOf = (index: number): number => (over === "layer" ? Math.floor(index / example) : index % channels);
  const gain = parameter(tape, `${name}.gain`);
  const bias = parameter(tape, `${name}.bias`);
  const mean = new Float64Array(groups);
  const variance = new Float64Array(groups);
  x.data.forEach((value, index) => {
    mean[groupOf(index)]! += value / members;
  });
  x.data.forEach((value, index) => {
    variance[groupOf(index)]! += (value - mean[groupOf(index)]!) ** 2 / members;
  });
  const scale = variance.map((value) => 1 / Math.sqrt(value + EPSILON));
  const normalized = x.data.map((value, index) => (value - mean[groupOf(index)]!) * scale[groupOf(index)]!);
  tape.back.push((dy) => {
    const meanOfG = new Float64Array(groups);
    const meanOfGX = new Float64Array(groups);
    dy.forEach((cotangent, index) => {
      gain.gradient[index % channels]! += cotangent * normalized[index]!;
      bias.gradient[index % channels]! += cotangent;
      const g = cotangent * gain.value[index % channels]!;
      meanOfG[groupOf(index)]! += g / members;
      meanOfGX[groupOf(index)]! += (g * normalized[index]!) / members;
    });
    return dy.map((cotangent, index) => {
      const group = groupOf(index);
      const g = cotangent * gain.value[index % channels]!;
      return scale[group]! * (g - meanOfG[group]! - normalized[index]! * meanOfGX[group]!);
    });
  });
  return array(
    x.shape,
    normalized.map((value, index) => value * gain.value[index % channels]! + bias.value[index % channels]!),
  );
}

function activation(tape: Tape, x: Array64, name: "relu" | "tanh"): Array64 {
  if (name === "relu") {
    for (const value of x.data) tape.margin = Math.min(tape.margin, Math.abs(value));
    tape.back.push((dy) => dy.map((g, index) => (x.data[index]! > 0 ? g : 0)));
    return array(
      x.shape,
      x.data.map((value) => Math.max(value, 0)),
    );
  }
  const y = array(x.shape, x.data.map(Math.tanh));
  tape.back.push((dy) => dy.map((g, index) => g * (1 - y.data[index]! ** 2)));
  return y;
}

/** 2×2, stride 2, an odd last row or column left out; of equal values the first in row-major order wins. */
function pool(tape: Tape, x: Array64): Array64 {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const [rows, columns] = [Math.floor(height / 2), Math.floor(width / 2)];
  const y = array([batch, rows, columns, channels]);
  const chosen = new Int32Array(y.data.length);
  for (let output = 0; output < y.data.length; output++) {
    const k = output % channels;
    const c = Math.floor(output / channels) % columns;
    const r = Math.floor(output / channels / columns) % rows;
    const n = Math.floor(output / channels / columns / rows);
    let [best, second] = [-Infinity, -Infinity];
    for (const [i, j] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      const input = ((n * height + 2 * r + i) * width + 2 * c + j) * channels + k;
      const value = x.data[input]!;
      if (value > best) {
        [best, second] = [value, best];
        chosen[output] = input;
      } else second = Math.max(second, value);
    }
    y.data[output] = best;
    if (best !== 0) tape.margin = Math.min(tape.margin, best - second);
  }
  tape.back.push((dy) => {
    const dx = new Float64Array(x.data.length);
    dy.forEach((g, output) => {
      dx[chosen[output]!]! += g;
    });
    return dx;
  });
  return y;
}

function flatten(tape: Tape, x: Array64): Array64 {
  tape.back.push((dy) => dy);
  return array([x.shape[0]!, x.data.length / x.shape[0]!], x.data);
}

function apply(tape: Tape, x: Array64, layer: Layer): Array64 {
  switch (layer.kind) {
    case "dense":
      return dense(tape, x, layer.name, layer.outputs);
    case "convolution":
      return convolution(tape, x, layer.name, layer.filters, layer.stride, layer.bias);
    case "norm":
      return norm(tape, x, layer.name, layer.over);
    case "activation":
      return activation(tape, x, layer.name);
    case "pool":
      return pool(tape, x);
    case "flatten":
      return flatten(tape, x);
  }
}

/** Mean of the squared differences over all elements, and its cotangent. */
function squaredError(logits: Array64, target: Array64): { loss: number; cotangent: Float64Array } {
  const difference = logits.data.map((value, index) => value - target.data[index]!);
  const loss = difference.reduce((sum, value) => sum + value * value, 0) / difference.length;
  return { loss, cotangent: difference.map((value) => (2 * value) / difference.length) };
}

/** Mean over the examples of −log softmax(logits)[label], and its cotangent. */
function crossEntropy(logits: Array64, labels: Array64): { loss: number; cotangent: Float64Array } {
  const [rows = 0, ways = 0] = logits.shape;
  const cotangent = new Float64Array(logits.data.length);
  let loss = 0;
  for (let n = 0; n < rows; n++) {
    const row = logits.data.subarray(n * ways, (n + 1) * ways);
    const largest = Math.max(...row);
    const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    const label = labels.data[n]!;
    loss -= (row[label]! - largest - Math.log(total)) / rows;
    row.forEach((value, way) => {
      cotangent[n * ways + way] = (Math.exp(value - largest) / total - (way === label ? 1 : 0)) / rows;
    });
  }
  return { loss, cotangent };
}

/** The loss of a batch, its logits, and the gradient for every parameter. */
export function evaluate(spec: NetworkSpec, parameters: Arrays, batch: Batch): Evaluation {
  const tape: Tape = { parameters, gradients: {}, back: [], margin: Infinity };
  const logits = layersOf(spec).reduce((x, layer) => apply(tape, x, layer), batch.x);
  const { loss, cotangent } = (spec.model === "mlp" ? squaredError : crossEntropy)(logits, batch.y);
  tape.back.reduceRight<Float64Array>((g, back) => back(g), cotangent);
  return { loss, logits, gradients: tape.gradients, margin: tape.margin };
}

/** `a + scale·b`, where b lacks a name, a. */
function add(a: Arrays, b: Arrays, scale: (name: string) => number): Arrays {
  return Object.fromEntries(
    Object.entries(a).map(([name, left]) => {
      const right = b[name];
      const factor = scale(name);
      if (right === undefined || factor === 0) return [name, left];
      return [
        name,
        array(
          left.shape,
          left.data.map((value, index) => value + factor * right.data[index]!),
        ),
      ];
    }),
  );
}

const dot = (a: Array64, b: Array64): number => a.data.reduce((sum, value, index) => sum + value * b.data[index]!, 0);

/** The inner loop's points θ₀ … θ_K with what the support set says at each. */
function trajectory(spec: NetworkSpec, parameters: Arrays, support: Batch, { steps, rates }: InnerLoop) {
  const points = [{ parameters, support: evaluate(spec, parameters, support) }];
  for (let step = 0; step < steps; step++) {
    const last = points[step]!;
    const next = add(last.parameters, last.support.gradients, (name) => -(rates[name] ?? 0));
    points.push({ parameters: next, support: evaluate(spec, next, support) });
  }
  return points;
}

/** `steps` steps of gradient descent on the support loss, each parameter with its rate (Finn et al. 2017, the inner update). */
export function adapt(spec: NetworkSpec, parameters: Arrays, support: Batch, inner: InnerLoop): Adaptation {
  const points = trajectory(spec, parameters, support, inner);
  return {
    parameters: points.at(-1)!.parameters,
    supportLosses: points.map((point) => point.support.loss),
    // At the last point only the loss is taken, and a loss has no kink: its margin does not count.
    margin: Math.min(Infinity, ...points.slice(0, -1).map((point) => point.support.margin)),
  };
}

/** The mean over the tasks of the query loss at θ'. */
export function metaLoss(spec: NetworkSpec, parameters: Arrays, tasks: readonly Task[], inner: InnerLoop): number {
  const losses = tasks.map((task) => {
    const adapted = adapt(spec, parameters, task.support, inner).parameters;
    return evaluate(spec, adapted, task.query).loss;
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / tasks.length;
}

/** The mean over the tasks of the query loss's gradient at θ': first-order MAML, exact to rounding. */
export function firstOrderMetaGradient(
  spec: NetworkSpec,
  parameters: Arrays,
  tasks: readonly Task[],
  inner: InnerLoop,
): Arrays {
  const zero = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, array(shape)]));
  return tasks.reduce<Arrays>((sum, task) => {
    const adapted = adapt(spec, parameters, task.support, inner).parameters;
    return add(sum, evaluate(spec, adapted, task.query).gradients, () => 1 / tasks.length);
  }, zero);
}

// How far finite differences step, as the L2 norm of the whole move: wide where the network is smooth, and short of
// the margin that the recorded cases keep from a kink where it is not.
const stepFor = (spec: NetworkSpec): number =>
  spec.activation === "tanh" && spec.model !== "metamodel" && !spec.pool ? 1e-3 : 1e-6;

/** The four-point central difference, whose error falls with the fourth power of the step. */
const centralDifference = (at: (offset: number) => number, step: number): number =>
  (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);

const lengthOf = (direction: Arrays): number =>
  Math.sqrt(Object.values(direction).reduce((sum, entry) => sum + dot(entry, entry), 0));

/**
 * The derivative of the meta-loss along `direction`, second order included, by central differences of float64 losses:
 * it knows nothing of derivatives, so it checks any of them.
 * Accuracy, relative to the gradient's norm times the direction's: 1e-10 on smooth networks; 1e-8 with ReLU or pools.
 */
export function metaDerivative(
  spec: NetworkSpec,
  parameters: Arrays,
  tasks: readonly Task[],
  inner: InnerLoop,
  direction: Arrays,
  step: number = stepFor(spec),
): number {
  const at = (offset: number): number =>
    metaLoss(
      spec,
      add(parameters, direction, () => offset),
      tasks,
      inner,
    );
  return centralDifference(at, step / lengthOf(direction));
}

/**
 * The exact second-order meta-gradient and the meta-loss's derivative for each rate, as reverse recursion over the inner steps:
 * λ_K = ∇L_query(θ_K), λ_k = λ_{k+1} − H_k·(α ⊙ λ_{k+1}), where the product with the support loss's Hessian H_k is the
 * four-point central difference of hand-written gradients.
 * Accuracy, relative to a parameter's largest entry: 1e-9 on smooth networks; 1e-7 with ReLU or pools away from kinks.
 */
export function metaGradient(
  spec: NetworkSpec,
  parameters: Arrays,
  tasks: readonly Task[],
  inner: InnerLoop,
  step: number = stepFor(spec),
): { readonly parameters: Arrays; readonly rates: Readonly<Record<string, number>> } {
  const rates: Record<string, number> = Object.fromEntries(Object.keys(inner.rates).map((name) => [name, 0]));
  let total: Arrays = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, array(shape)]));
  for (const task of tasks) {
    const points = trajectory(spec, parameters, task.support, inner);
    let lambda = evaluate(spec, points.at(-1)!.parameters, task.query).gradients;
    for (const point of points.slice(0, -1).reverse()) {
      for (const name of Object.keys(rates))
        rates[name]! -= dot(lambda[name]!, point.support.gradients[name]!) / tasks.length;
      const scaled = Object.fromEntries(
        Object.entries(inner.rates).map(([name, rate]) => [
          name,
          array(
            lambda[name]!.shape,
            lambda[name]!.data.map((value) => rate * value),
          ),
        ]),
      );
      const h = step / lengthOf(scaled);
      const moved = [h, -h, 2 * h, -2 * h].map(
        (offset) =>
          evaluate(
            spec,
            add(point.parameters, scaled, () => offset),
            task.support,
          ).gradients,
      );
      [8, -8, -1, 1].forEach((weight, index) => {
        lambda = add(lambda, moved[index]!, () => -weight / (12 * h));
      });
    }
    total = add(total, lambda, () => 1 / tasks.length);
  }
  return { parameters: total, rates };
}
