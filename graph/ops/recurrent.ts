// Recurrent networks (ONNX): whole for whoever has them, and steps of a Scan for everybody else.

import { apply } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { at, upTo } from "../core/lists.ts";
import { applying, define, unfit } from "../core/operator.ts";
import type { Operator, Outputs, Value, ValueType } from "../core/value.ts";
import { batchOutputs } from "../transforms/vmap.ts";
import { type CellName, cells } from "./internal/cells.ts";
import {
  directionsOf,
  type RecurrentAttributes,
  type RecurrentInputs,
  recurrentGradient,
  recurrentParts,
} from "./internal/recurrent.ts";
import { Expand, Reshape, Transpose } from "./movement.ts";

type Recurrent = Operator<RecurrentAttributes, RecurrentInputs, Outputs>;

const asOutputs = (values: readonly Value[]): Outputs => values as readonly Value[] as Outputs;

function recurrent(name: CellName, since: number, summary: string): Recurrent {
  const { gates, states } = cells[name];
  const operator: Recurrent = define({
    name,
    family: "recurrent",
    summary,
    since,
    infer(inputs, attributes) {
      const [x, w, r, b, lengths, ...before] = inputs;
      const [count, hidden] = [directionsOf(attributes.direction), attributes.hidden_size];
      const [steps, batch, size] = x.shape;
      if (steps === undefined || batch === undefined || size === undefined || x.rank !== 3)
        throw unfit(name, [x], "the input has to be [steps, batch, size].");
      const expected: [string, Value | undefined, readonly Dim[]][] = [
        ["W", w, [count, gates * hidden, size]],
        ["R", r, [count, gates * hidden, hidden]],
        ["B", b, [count, 2 * gates * hidden]],
        ["sequence_lens", lengths, [batch]],
        ["initial_h", before[0], [count, batch, hidden]],
        ["initial_c", before[1], [count, batch, hidden]],
        ["P", before[2], [count, 3 * hidden]],
      ];
      for (const [what, value, shape] of expected)
        if (value && (value.shape.join() !== shape.join() || (what !== "sequence_lens" && value.dtype !== x.dtype)))
          throw unfit(
            name,
            [x, value],
            `${what} has to be ${x.dtype} [${shape.join(", ")}] for hidden_size ${hidden}.`,
          );
      const last: ValueType = { dtype: x.dtype, shape: [count, batch, hidden] };
      return [{ dtype: x.dtype, shape: [steps, count, batch, hidden] }, ...upTo(states).map(() => last)];
    },
    gradient: ({ inputs, outputs, attributes, cotangents, needs }) =>
      recurrentGradient(name, inputs, attributes, outputs, cotangents, needs),
    decompose: (inputs, attributes) => asOutputs(recurrentParts(name, inputs, attributes)),
    batch(inputs, batched, attributes, original) {
      const weights = [1, 2, 3, 7].some((i) => batched[i]);
      if (weights || !batched[0]) {
        const given = original.flatMap((value, i) => {
          const now = inputs[i];
          return value && now && batched[i] ? [[value, now] as const] : [];
        });
        const all = at(at(given, 0)[1].shape, 0);
        return asOutputs(batchOutputs(recurrentParts(name, original, attributes), new Map(given), all));
      }
      return asOutputs(manySequences(operator, inputs, batched, attributes));
    },
  });
  return operator;
}

/** With one set of weights for all tasks, the sequences of all are one batch. */
function manySequences(
  operator: Recurrent,
  inputs: RecurrentInputs,
  batched: readonly boolean[],
  attributes: RecurrentAttributes,
): Value[] {
  const [x, w, r, b, lengths, h, c, p] = inputs;
  const tasks = at(x.shape, 0);
  /** The task axis beside that of the batch, which has a place of its own in each input. */
  const merged = (value: Value, place: number, i: number): Value => {
    const all = batched[i] ? value : Expand(value, [tasks, ...value.shape]);
    const order = upTo(all.rank).slice(1);
    order.splice(place, 0, 0);
    const moved = Transpose(all, order);
    return Reshape(moved, [...moved.shape.slice(0, place), -1, ...moved.shape.slice(place + 2)]);
  };
  const batch = at(x.shape, 2);
  const joined: RecurrentInputs = [
    merged(x, 1, 0),
    w,
    r,
    b,
    lengths && merged(lengths, 0, 4),
    h && merged(h, 1, 5),
    c && merged(c, 1, 6),
    p,
  ];
  return apply(operator, joined, attributes).map((value, i) => {
    const axis = i === 0 ? 2 : 1;
    const split = Reshape(value, [...value.shape.slice(0, axis), tasks, batch, ...value.shape.slice(axis + 1)]);
    return Transpose(split, [axis, ...upTo(split.rank).filter((n) => n !== axis)]);
  });
}

const [rnn, gru, lstm] = [
  recurrent("RNN", 14, "a recurrent network: hₜ = f(W·xₜ + R·hₜ₋₁ + b)"),
  recurrent("GRU", 14, "a recurrent network with gates for what it resets and keeps (Cho et al. 2014)"),
  recurrent("LSTM", 14, "a recurrent network with cells behind gates (Hochreiter & Schmidhuber 1997)"),
];

/** What a recurrent network may have beside its input and weights, by ONNX's names. */
export interface RecurrentOptions {
  /** `[directions, 2·gates·hidden]` */
  readonly b?: Value | undefined;
  /** int32 `[batch]` */
  readonly sequenceLens?: Value | undefined;
  /** `[directions, batch, hidden]` */
  readonly initialH?: Value | undefined;
  readonly direction?: RecurrentAttributes["direction"];
  readonly activations?: readonly string[] | undefined;
  readonly activationAlpha?: readonly number[] | undefined;
  readonly activationBeta?: readonly number[] | undefined;
  readonly clip?: number | undefined;
}

function attributesOf(r: Value, options: RecurrentOptions): RecurrentAttributes {
  const { direction = "forward", activations, activationAlpha, activationBeta, clip } = options;
  const hidden = at(r.shape, -1);
  if (typeof hidden !== "number") throw unfit("R", [r], "the number of hidden units has to be known.");
  return {
    direction,
    hidden_size: hidden,
    activations,
    activation_alpha: activationAlpha,
    activation_beta: activationBeta,
    clip,
  };
}

/**
 * ONNX RNN.
 * @param x `[steps, batch, size]`
 * @param w `[directions, hidden, size]`
 * @param r `[directions, hidden, hidden]`
 * @returns the outputs of all steps `[steps, directions, batch, hidden]`, and the last state `[directions, batch, hidden]`
 */
export const RNN = applying(rnn, (x: Value, w: Value, r: Value, options: RecurrentOptions = {}): readonly Value[] =>
  apply(rnn, [x, w, r, options.b, options.sequenceLens, options.initialH], attributesOf(r, options)),
);

/** ONNX GRU; gates lie in the order update, reset, candidate. */
export const GRU = applying(
  gru,
  (
    x: Value,
    w: Value,
    r: Value,
    { linearBeforeReset, ...options }: RecurrentOptions & { readonly linearBeforeReset?: boolean } = {},
  ): readonly Value[] =>
    apply(gru, [x, w, r, options.b, options.sequenceLens, options.initialH], {
      ...attributesOf(r, options),
      linear_before_reset: linearBeforeReset,
    }),
);

/** What an LSTM may have besides. */
export interface LstmOptions extends RecurrentOptions {
  readonly initialC?: Value | undefined;
  /** Peepholes `[directions, 3·hidden]`: input, output, forget. */
  readonly p?: Value | undefined;
  readonly inputForget?: boolean;
}

/** ONNX LSTM; gates lie in the order input, output, forget, candidate. The third output is the last cell. */
export const LSTM = applying(
  lstm,
  (x: Value, w: Value, r: Value, { inputForget, initialC, p, ...options }: LstmOptions = {}): readonly Value[] => {
    const inputs: RecurrentInputs = [x, w, r, options.b, options.sequenceLens, options.initialH, initialC, p];
    return apply(lstm, inputs, { ...attributesOf(r, options), input_forget: inputForget });
  },
);
