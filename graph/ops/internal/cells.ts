// One step of a recurrent network as ONNX has it: what the gates are made of, and the functions that stand in them.
import { at, upTo } from "../../core/lists.ts";
import { unfit } from "../../core/operator.ts";
import type { Value } from "../../core/value.ts";
import { Clip, Elu, HardSigmoid, LeakyRelu, Softsign, ThresholdedRelu } from "../activation.ts";
import { Add, Mul, Sub } from "../arithmetic.ts";
import { Relu, Sigmoid, Softplus, Tanh } from "../functions.ts";
import { MatMul } from "../linear-algebra.ts";
import { cut } from "./slicing.ts";

/** The kinds of recurrent networks. */
export type CellName = "RNN" | "GRU" | "LSTM";

type Activation = (x: Value) => Value;

interface Named {
  readonly alpha?: number;
  readonly beta?: number;
  readonly of: (x: Value, alpha: number, beta: number) => Value;
}

/** By the names that ONNX has for them, in lower case; with the numbers that they have unless a node says others. */
const activations: Readonly<Record<string, Named>> = {
  relu: { of: (x) => Relu(x) },
  tanh: { of: (x) => Tanh(x) },
  sigmoid: { of: (x) => Sigmoid(x) },
  affine: { alpha: 1, beta: 0, of: (x, alpha, beta) => Add(Mul(x, alpha), beta) },
  leakyrelu: { alpha: 0.01, of: (x, alpha) => LeakyRelu(x, { alpha }) },
  thresholdedrelu: { alpha: 1, of: (x, alpha) => ThresholdedRelu(x, { alpha }) },
  scaledtanh: { alpha: 1, beta: 1, of: (x, alpha, beta) => Mul(Tanh(Mul(x, beta)), alpha) },
  hardsigmoid: { alpha: 0.2, beta: 0.5, of: (x, alpha, beta) => HardSigmoid(x, { alpha, beta }) },
  elu: { alpha: 1, of: (x, alpha) => Elu(x, { alpha }) },
  softsign: { of: (x) => Softsign(x) },
  softplus: { of: (x) => Softplus(x) },
};

/** What a node says of its functions: names for each direction, and numbers for those of them that take any, in order. */
export interface ActivationSettings {
  readonly activations?: readonly (string | number)[] | undefined;
  readonly activation_alpha?: readonly number[] | undefined;
  readonly activation_beta?: readonly number[] | undefined;
}

/** The functions of all directions. @throws InnerloopError for a name that ONNX does not have, or too few */
export function activationsOf(
  settings: ActivationSettings,
  usual: readonly string[],
  directions: number,
): Activation[][] {
  const names = settings.activations ?? upTo(directions).flatMap(() => usual);
  const [alphas, betas] = [[...(settings.activation_alpha ?? [])], [...(settings.activation_beta ?? [])]];
  if (names.length !== usual.length * directions)
    throw unfit("activations", [], `[${names}] are ${names.length}; ${usual.length * directions} were expected.`);
  const all = names.map((name): Activation => {
    const known = String(name).toLowerCase();
    const found = Object.hasOwn(activations, known) ? activations[known] : undefined;
    if (!found)
      throw unfit("activations", [], `there is no ${name}; there are ${Object.keys(activations).join(", ")}.`);
    const alpha = found.alpha === undefined ? 0 : (alphas.shift() ?? found.alpha);
    const beta = found.beta === undefined ? 0 : (betas.shift() ?? found.beta);
    return (x) => found.of(x, alpha, beta);
  });
  return upTo(directions).map((d) => all.slice(d * usual.length, (d + 1) * usual.length));
}

/** What a step has beside its states and what comes of the input. */
export interface CellSettings {
  readonly functions: readonly Activation[];
  readonly hidden: number;
  readonly clip?: number | undefined;
  readonly inputForget: boolean;
  readonly linearBeforeReset: boolean;
}

/** What a step reads: the product of the input with its weights, biases in it; its states; and weights. */
export interface CellInputs {
  readonly projected: Value;
  readonly states: readonly Value[];
  /** `[hidden, gates·hidden]` */
  readonly recurrent: Value;
  /** The bias of the candidate of a GRU that is inside its reset, `[hidden]`. */
  readonly resetBias?: Value | undefined;
  /** Peepholes of an LSTM, `[3·hidden]`: input, output, forget. */
  readonly peepholes?: Value | undefined;
}

interface Cell {
  readonly gates: number;
  readonly usual: readonly string[];
  readonly states: number;
  /** The next states. */
  step(inputs: CellInputs, settings: CellSettings): Value[];
}

const gate = (x: Value, i: number, hidden: number, count = 1): Value =>
  cut(x, x.rank - 1, i * hidden, (i + count) * hidden);

const clipped = (x: Value, { clip }: CellSettings): Value => (clip ? Clip(x, -clip, clip) : x);

export const cells: Readonly<Record<CellName, Cell>> = {
  RNN: {
    gates: 1,
    usual: ["Tanh"],
    states: 1,
    step({ projected, states, recurrent }, settings) {
      return [at(settings.functions, 0)(clipped(Add(projected, MatMul(at(states, 0), recurrent)), settings))];
    },
  },
  GRU: {
    gates: 3,
    usual: ["Sigmoid", "Tanh"],
    states: 1,
    step({ projected, states, recurrent, resetBias }, settings) {
      const { hidden, linearBeforeReset } = settings;
      const [h, f, g] = [at(states, 0), at(settings.functions, 0), at(settings.functions, 1)];
      const candidate = gate(projected, 2, hidden);
      if (linearBeforeReset) {
        const product = MatMul(h, recurrent);
        const both = f(clipped(Add(gate(projected, 0, hidden, 2), gate(product, 0, hidden, 2)), settings));
        const [z, r] = [gate(both, 0, hidden), gate(both, 1, hidden)];
        const inner = gate(product, 2, hidden);
        const n = g(clipped(Add(candidate, Mul(r, resetBias ? Add(inner, resetBias) : inner)), settings));
        return [Add(n, Mul(z, Sub(h, n)))];
      }
      const product = MatMul(h, gate(recurrent, 0, hidden, 2));
      const both = f(clipped(Add(gate(projected, 0, hidden, 2), product), settings));
      const [z, r] = [gate(both, 0, hidden), gate(both, 1, hidden)];
      const n = g(clipped(Add(candidate, MatMul(Mul(r, h), gate(recurrent, 2, hidden))), settings));
      return [Add(n, Mul(z, Sub(h, n)))];
    },
  },
  LSTM: {
    gates: 4,
    usual: ["Sigmoid", "Tanh", "Tanh"],
    states: 2,
    step({ projected, states, recurrent, peepholes }, settings) {
      const { hidden, inputForget } = settings;
      const [h, c] = [at(states, 0), at(states, 1)];
      const [f, g, last] = [at(settings.functions, 0), at(settings.functions, 1), at(settings.functions, 2)];
      const sum = Add(projected, MatMul(h, recurrent));
      const part = (i: number, peephole?: number, cell: Value = c): Value => {
        const x = gate(sum, i, hidden);
        const seen = peepholes && peephole !== undefined ? Add(x, Mul(cell, gate(peepholes, peephole, hidden))) : x;
        return clipped(seen, settings);
      };
      const [i, o, forget] = gatesOf(f, sum, part, peepholes !== undefined, settings);
      const kept = inputForget ? Sub(1, i) : forget;
      const next = Add(Mul(kept, c), Mul(i, g(part(3))));
      return [Mul(o(next), last(next)), next];
    },
  },
};

/** Input, output and forget gates; the output gate may see the new cell. Without peepholes they are one application. */
function gatesOf(
  f: Activation,
  sum: Value,
  part: (i: number, peephole?: number, cell?: Value) => Value,
  peepholes: boolean,
  settings: CellSettings,
): readonly [Value, (cell: Value) => Value, Value] {
  const { hidden } = settings;
  if (peepholes) return [f(part(0, 0)), (cell) => f(part(1, 1, cell)), f(part(2, 2))];
  const all = f(clipped(gate(sum, 0, hidden, 3), settings));
  const output = gate(all, 1, hidden);
  return [gate(all, 0, hidden), () => output, gate(all, 2, hidden)];
}
