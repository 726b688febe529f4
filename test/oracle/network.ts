// An independent float64 oracle of the models and their gradients: plain loops and hand-written backpropagation, importing nothing
// of ours, so that the graph room is checked against other mathematics than its own.
import type { Array64, Arrays, Batch, Evaluation, NetworkSpec } from "./types.ts";

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
export const array = (shape: readonly number[], data: Float64Array = new Float64Array(product(shape))): Array64 => ({
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
