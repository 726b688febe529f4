// Recurrent networks as ONNX has them. Batches that come first (layout 1), which ONNX Runtime does not compute on the processor,
// are moved behind the steps.
import type { Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { choice, flag, float, floats, int, strings } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";

/** What all recurrent networks have. */
export const recurrentAttributes = {
  activation_alpha: floats(),
  activation_beta: floats(),
  activations: strings(),
  clip: float(),
  direction: choice("forward", "reverse", "bidirectional"),
  hidden_size: int(),
  layout: int(0),
};

interface Common {
  readonly activation_alpha: readonly number[] | undefined;
  readonly activation_beta: readonly number[] | undefined;
  readonly activations: readonly string[] | undefined;
  readonly clip: number | undefined;
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly layout: number;
}

/** The batch behind the first axis, or the other way. */
const swapped = (value: Value): Value => op.Transpose(value, [1, 0, ...[...value.shape.keys()].slice(2)]);

/** The inputs of a recurrent network and its options, and its outputs as the layout has them. */
export function recurrentOf(c: Call, attributes: Common) {
  const turn = (value: Value): Value => (attributes.layout === 1 ? swapped(value) : value);
  const optional = (i: number): Value | undefined => {
    const value = c.optional(i);
    return value && turn(value);
  };
  const options = {
    b: c.optional(3),
    sequenceLens: c.optional(4),
    initialH: optional(5),
    direction: attributes.direction,
    activations: attributes.activations,
    activationAlpha: attributes.activation_alpha,
    activationBeta: attributes.activation_beta,
    clip: attributes.clip,
  };
  const back = ([y, ...last]: readonly Value[]): Value[] => {
    if (!y) return [];
    if (attributes.layout !== 1) return [y, ...last];
    return [op.Transpose(y, [2, 0, 1, 3]), ...last.map(swapped)];
  };
  return { x: turn(c.value(0)), w: c.value(1), r: c.value(2), options, optional, back };
}

export const recurrent = {
  RNN: onnxOperator({
    authored: false,
    attributes: recurrentAttributes,
    read(c, attributes) {
      const { x, w, r, options, back } = recurrentOf(c, attributes);
      return back(op.RNN(x, w, r, options));
    },
  }),
  GRU: onnxOperator({
    authored: false,
    attributes: { ...recurrentAttributes, linear_before_reset: flag(false) },
    read(c, attributes) {
      const { x, w, r, options, back } = recurrentOf(c, attributes);
      return back(op.GRU(x, w, r, { ...options, linearBeforeReset: attributes.linear_before_reset }));
    },
  }),
  LSTM: onnxOperator({
    authored: false,
    attributes: { ...recurrentAttributes, input_forget: flag(false) },
    read(c, attributes) {
      const { x, w, r, options, optional, back } = recurrentOf(c, attributes);
      const more = { initialC: optional(6), p: c.optional(7), inputForget: attributes.input_forget };
      return back(op.LSTM(x, w, r, { ...options, ...more }));
    },
  }),
};
