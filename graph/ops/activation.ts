// Activations made of elementwise operators.
import { composite, lift, normalizeAxis } from "../core/operator.ts";
import { type Attributes, type Operand, Value } from "../core/value.ts";
import {
  Abs,
  Add,
  Div,
  Erf,
  Exp,
  Greater,
  Log,
  Max,
  Min,
  Mul,
  Neg,
  Relu,
  Sigmoid,
  Softplus,
  Sub,
  Tanh,
  Where,
} from "./elementwise.ts";
import { ReduceMax, ReduceSum, stopGradient } from "./reduction.ts";

const activation = (
  name: string,
  since: number | undefined,
  summary: string,
  build: (x: Value, attributes: Attributes) => Value,
) => {
  const operator = composite({
    name,
    family: "activation",
    summary,
    ...(since === undefined ? {} : { since }),
    build: ([x], attributes) => build(x!, attributes),
  });
  return (x: Value, attributes: Attributes = {}): Value => operator([x], attributes);
};
const number = (attribute: Attributes[string]): number => attribute as number;

const leakyRelu = activation("LeakyRelu", 16, "x where x > 0, else alpha · x", (x, { alpha }) =>
  Sub(Relu(x), Mul(Relu(Neg(x)), number(alpha))),
);
export const LeakyRelu = (x: Value, { alpha = 0.01 } = {}): Value => leakyRelu(x, { alpha });

const elu = activation("Elu", 6, "x where x > 0, else alpha · (eˣ − 1)", (x, { alpha }) =>
  Add(Relu(x), Mul(number(alpha), Sub(Exp(Neg(Relu(Neg(x)))), 1))),
);
export const Elu = (x: Value, { alpha = 1 } = {}): Value => elu(x, { alpha });

const celu = activation("Celu", 12, "max(0, x) + min(0, alpha · (e^(x/alpha) − 1))", (x, { alpha }) =>
  Add(Relu(x), Mul(number(alpha), Sub(Exp(Mul(Neg(Relu(Neg(x))), 1 / number(alpha))), 1))),
);
export const Celu = (x: Value, { alpha = 1 } = {}): Value => celu(x, { alpha });

const selu = activation("Selu", 6, "gamma · (x where x > 0, else alpha · (eˣ − 1))", (x, { alpha, gamma }) =>
  Mul(number(gamma), Elu(x, { alpha: number(alpha) })),
);
export const Selu = (x: Value, { alpha = 1.6732632423543772, gamma = 1.0507009873554805 } = {}): Value =>
  selu(x, { alpha, gamma });

const gelu = activation(
  "Gelu",
  20,
  "x · Φ(x), Φ the normal distribution function; or its tanh approximation",
  (x, { approximate }) => {
    if (approximate === "tanh")
      return Mul(Mul(0.5, x), Add(1, Tanh(Mul(Math.sqrt(2 / Math.PI), Add(x, Mul(0.044715, Mul(x, Mul(x, x))))))));
    return Mul(Mul(0.5, x), Add(1, Erf(Mul(x, Math.SQRT1_2))));
  },
);
export const Gelu = (x: Value, { approximate = "none" as "none" | "tanh" } = {}): Value => gelu(x, { approximate });

const swish = activation("Swish", 24, "x · sigmoid(alpha · x); SiLU where alpha is 1", (x, { alpha }) =>
  Mul(x, Sigmoid(Mul(number(alpha), x))),
);
export const Swish = (x: Value, { alpha = 1 } = {}): Value => swish(x, { alpha });
/** SiLU: x · sigmoid(x). */
export const Silu = (x: Value): Value => Swish(x);

const hardSigmoid = activation("HardSigmoid", 6, "max(0, min(1, alpha · x + beta))", (x, { alpha, beta }) =>
  Max(0, Min(1, Add(Mul(number(alpha), x), number(beta)))),
);
export const HardSigmoid = (x: Value, { alpha = 0.2, beta = 0.5 } = {}): Value => hardSigmoid(x, { alpha, beta });

export const HardSwish: (x: Value) => Value = activation(
  "HardSwish",
  14,
  "x · HardSigmoid(x) with alpha 1/6, beta 1/2",
  (x) => Mul(x, HardSigmoid(x, { alpha: 1 / 6, beta: 0.5 })),
);
export const Mish: (x: Value) => Value = activation("Mish", 18, "x · tanh(softplus(x))", (x) =>
  Mul(x, Tanh(Softplus(x))),
);
export const Softsign: (x: Value) => Value = activation("Softsign", 1, "x / (1 + |x|)", (x) => Div(x, Add(1, Abs(x))));

const thresholdedRelu = activation("ThresholdedRelu", 10, "x where x > alpha, else 0", (x, { alpha }) =>
  Where(Greater(x, number(alpha)), x, 0),
);
export const ThresholdedRelu = (x: Value, { alpha = 1 } = {}): Value => thresholdedRelu(x, { alpha });

const prelu = composite({
  name: "PRelu",
  family: "activation",
  summary: "x where x > 0, else slope · x",
  since: 16,
  build: ([x, slope]) => Sub(Relu(x!), Mul(slope!, Relu(Neg(x!)))),
});
export const PRelu = (x: Value, slope: Value): Value => prelu([x, slope]);

const clip = composite({
  name: "Clip",
  family: "elementwise",
  summary: "held between two bounds",
  since: 13,
  build: ([x, low, high], { sides }) => {
    const lower = sides === "high" ? undefined : low;
    const upper = sides === "high" ? low : high;
    const raised = lower ? Max(lower, x!) : x!;
    return upper ? Min(upper, raised) : raised;
  },
});
/** x between `min` and `max`, either of which may be left out. */
export function Clip(x: Value, min?: Operand, max?: Operand): Value {
  if (min === undefined && max === undefined) return x;
  const bounds = [min, max].flatMap((bound) =>
    bound === undefined ? [] : [bound instanceof Value ? bound : lift(bound, x.dtype)],
  );
  return clip([x, ...bounds], { sides: min === undefined ? "high" : max === undefined ? "low" : "both" });
}

const shifted = (x: Value, axis: number): Value => Sub(x, stopGradient(ReduceMax(x, { axes: [axis] })));
const axisOf = (attributes: Attributes): number => attributes.axis as number;

const softmax = composite({
  name: "Softmax",
  family: "activation",
  summary: "eˣ over its sum along an axis",
  since: 13,
  build([x], attributes) {
    const e = Exp(shifted(x!, axisOf(attributes)));
    return Div(e, ReduceSum(e, { axes: [axisOf(attributes)] }));
  },
  gradient({ outputs: [y], cotangents: [g], attributes }) {
    const gy = g && Mul(g, y!);
    return [gy && Sub(gy, Mul(y!, ReduceSum(gy, { axes: [axisOf(attributes)] })))];
  },
  batch: ([x], _, attributes) => [Softmax(x!, axisOf(attributes) + 1)],
});
export const Softmax = (x: Value, axis = -1): Value => softmax([x], { axis: normalizeAxis(axis, x.rank, "Softmax") });

const logSoftmax = composite({
  name: "LogSoftmax",
  family: "activation",
  summary: "the logarithm of Softmax",
  since: 13,
  build([x], attributes) {
    const moved = shifted(x!, axisOf(attributes));
    return Sub(moved, Log(ReduceSum(Exp(moved), { axes: [axisOf(attributes)] })));
  },
  gradient({ inputs: [x], cotangents: [g], attributes }) {
    return [g && Sub(g, Mul(Softmax(x!, axisOf(attributes)), ReduceSum(g, { axes: [axisOf(attributes)] })))];
  },
  batch: ([x], _, attributes) => [LogSoftmax(x!, axisOf(attributes) + 1)],
});
export const LogSoftmax = (x: Value, axis = -1): Value =>
  logSoftmax([x], { axis: normalizeAxis(axis, x.rank, "LogSoftmax") });
