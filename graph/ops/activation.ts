// Activations made of elementwise operators.
import { uniformOf } from "../core/build.ts";
import { apply1, applying, composite, lift, spelling } from "../core/operator.ts";
import { normalizeAxis } from "../core/shapes.ts";
import { type Attributes, type None, type One, type Operand, type Operator, type Two, Value } from "../core/value.ts";
import { Abs, Add, Div, Max, Min, Mul, Neg, Positive, Sub } from "./arithmetic.ts";
import { Greater, Less, Where } from "./comparison.ts";
import { Erf, Exp, Log, Relu, Sigmoid, Softplus, Tanh } from "./functions.ts";
import { stopGradient } from "./graph.ts";
import { unbroadcast } from "./internal/broadcasting.ts";
import { Within } from "./internal/within.ts";
import { ReduceMax, ReduceSum } from "./reduction.ts";

const activation = <A extends Attributes = None>(
  name: string,
  since: number,
  summary: string,
  build: (x: Value, attributes: A) => Value,
): Operator<A, One, One> =>
  composite({
    ...{ name, family: "activation", summary, since, traits: { placewise: true } },
    build: ([x]: One, attributes: A) => build(x, attributes),
  });

type Alpha = { readonly alpha: number };

const leakyRelu = activation<Alpha>("LeakyRelu", 16, "x where x > 0, else alpha · x", (x, { alpha }) =>
  Sub(Relu(x), Mul(Relu(Neg(x)), alpha)),
);
export const LeakyRelu = applying(
  leakyRelu,
  (x: Value, { alpha = 0.01 } = {}): Value => apply1(leakyRelu, [x], { alpha }),
);

const elu = activation<Alpha>("Elu", 6, "x where x > 0, else alpha · (eˣ − 1)", (x, { alpha }) =>
  Add(Relu(x), Mul(alpha, Sub(Exp(Neg(Relu(Neg(x)))), 1))),
);
export const Elu = applying(elu, (x: Value, { alpha = 1 } = {}): Value => apply1(elu, [x], { alpha }));

const celu = activation<Alpha>("Celu", 12, "max(0, x) + min(0, alpha · (e^(x/alpha) − 1))", (x, { alpha }) =>
  Add(Relu(x), Mul(alpha, Sub(Exp(Mul(Neg(Relu(Neg(x))), 1 / alpha)), 1))),
);
export const Celu = applying(celu, (x: Value, { alpha = 1 } = {}): Value => apply1(celu, [x], { alpha }));

const selu = activation<Alpha & { readonly gamma: number }>(
  "Selu",
  6,
  "gamma · (x where x > 0, else alpha · (eˣ − 1))",
  (x, { alpha, gamma }) => Mul(gamma, Elu(x, { alpha })),
);
export const Selu = applying(
  selu,
  (x: Value, { alpha = 1.6732632423543772, gamma = 1.0507009873554805 } = {}): Value =>
    apply1(selu, [x], { alpha, gamma }),
);

type Gelus = { readonly approximate: "none" | "tanh" };

const gelu = activation<Gelus>(
  "Gelu",
  20,
  "x · Φ(x), Φ the normal distribution function; or its tanh approximation",
  (x, { approximate }) => {
    if (approximate === "tanh")
      return Mul(Mul(0.5, x), Add(1, Tanh(Mul(Math.sqrt(2 / Math.PI), Add(x, Mul(0.044715, Mul(x, Mul(x, x))))))));
    return Mul(Mul(0.5, x), Add(1, Erf(Mul(x, Math.SQRT1_2))));
  },
);
export const Gelu = applying(
  gelu,
  (x: Value, { approximate = "none" }: Partial<Gelus> = {}): Value => apply1(gelu, [x], { approximate }),
);

const swish = activation<Alpha>("Swish", 24, "x · sigmoid(alpha · x); SiLU where alpha is 1", (x, { alpha }) =>
  Mul(x, Sigmoid(Mul(alpha, x))),
);
export const Swish = applying(swish, (x: Value, { alpha = 1 } = {}): Value => apply1(swish, [x], { alpha }));
/** SiLU: x · sigmoid(x). */
export const Silu = (x: Value): Value => Swish(x);

const hardSigmoid = activation<Alpha & { readonly beta: number }>(
  "HardSigmoid",
  6,
  "max(0, min(1, alpha · x + beta))",
  (x, { alpha, beta }) => Max(0, Min(1, Add(Mul(alpha, x), beta))),
);
export const HardSigmoid = applying(
  hardSigmoid,
  (x: Value, { alpha = 0.2, beta = 0.5 } = {}): Value => apply1(hardSigmoid, [x], { alpha, beta }),
);

const hardSwish = activation("HardSwish", 14, "x · HardSigmoid(x) with alpha 1/6, beta 1/2", (x) =>
  Mul(x, HardSigmoid(x, { alpha: 1 / 6, beta: 0.5 })),
);
export const HardSwish = applying(hardSwish, (x: Value): Value => apply1(hardSwish, [x]));
const mish = activation("Mish", 18, "x · tanh(softplus(x))", (x) => Mul(x, Tanh(Softplus(x))));
export const Mish = applying(mish, (x: Value): Value => apply1(mish, [x]));
const softsign = activation("Softsign", 1, "x / (1 + |x|)", (x) => Div(x, Add(1, Abs(x))));
export const Softsign = applying(softsign, (x: Value): Value => apply1(softsign, [x]));

const thresholdedRelu = activation<Alpha>("ThresholdedRelu", 10, "x where x > alpha, else 0", (x, { alpha }) =>
  Where(Greater(x, alpha), x, 0),
);
export const ThresholdedRelu = applying(
  thresholdedRelu,
  (x: Value, { alpha = 1 } = {}): Value => apply1(thresholdedRelu, [x], { alpha }),
);

type Shrunk = { readonly bias: number; readonly lambd: number };
const shrink = activation<Shrunk>(
  "Shrink",
  9,
  "x nearer to 0 by a bias, and 0 where |x| ≤ lambd",
  (x, { bias, lambd }) => Where(Greater(x, lambd), Sub(x, bias), Where(Less(x, -lambd), Add(x, bias), 0)),
);
/** ONNX Shrink: soft shrinking where the bias is lambd, hard where it is 0. */
export const Shrink = applying(
  shrink,
  (x: Value, { bias = 0, lambd = 0.5 } = {}): Value => apply1(shrink, [x], { bias, lambd }),
);

spelling("SwiGLU", "activation", 28, "Swish, Mul", "x · sigmoid(alpha · x), times a gate");
/** ONNX SwiGLU (arXiv 2002.05202): both operands are of one shape. */
export const SwiGLU = (x: Value, gate: Value, { alpha = 1 } = {}): Value => Mul(Swish(x, { alpha }), gate);

const prelu = composite({
  name: "PRelu",
  family: "activation",
  summary: "x where x > 0, else slope · x",
  since: 16,
  build: ([x, slope]: Two) => Sub(Relu(x), Mul(slope, Relu(Neg(x)))),
});
export const PRelu = applying(prelu, (x: Value, slope: Value): Value => apply1(prelu, [x, slope]));

const clip = composite({
  name: "Clip",
  family: "elementwise",
  summary: "held between two bounds",
  since: 13,
  traits: { float16: "range" },
  build([x, low, high]: readonly [Value, (Value | undefined)?, (Value | undefined)?]) {
    const raised = low ? Max(low, x) : x;
    return high ? Min(high, raised) : raised;
  },
  gradient({ inputs: [x, low, high], outputs: [y], cotangents: [g], needs }) {
    const fixed = [low, high].every((bound) => !bound || (bound.rank === 0 && uniformOf(bound) !== undefined));
    // Between fixed bounds the result tells as much as the operand, which then need not be there.
    const seen = fixed ? y : x;
    const [least, most] = [low && uniformOf(low), high && uniformOf(high)];
    if (fixed && least !== undefined && most !== undefined) return [Mul(Within(seen, least, most), g)];
    const above = low ? Mul(g, Positive(Sub(seen, low))) : g;
    const inside = high ? Mul(above, Positive(Sub(high, seen))) : above;
    if (fixed) return [inside];
    const [under, raised] = [low && Positive(Sub(low, x)), low ? Max(low, x) : x];
    const kept = high ? Mul(g, Positive(Sub(high, raised))) : g;
    return [
      needs(0) ? inside : undefined,
      low && under && needs(1) ? unbroadcast(Mul(kept, under), low.shape) : undefined,
      high && needs(2) ? unbroadcast(Mul(g, Positive(Sub(raised, high))), high.shape) : undefined,
    ];
  },
});
/** x between `min` and `max`, either of which may be left out. */
export const Clip = applying(clip, (x: Value, min?: Operand, max?: Operand): Value => {
  const bound = (operand: Operand | undefined) =>
    operand === undefined || operand instanceof Value ? operand : lift(operand, x.dtype);
  return min === undefined && max === undefined ? x : apply1(clip, [x, bound(min), bound(max)]);
});

type Axis = { readonly axis: number };

const shifted = (x: Value, axis: number): Value => Sub(x, stopGradient(ReduceMax(x, { axes: [axis] })));

const softmax: Operator<Axis, One, One> = composite({
  name: "Softmax",
  family: "activation",
  summary: "eˣ over its sum along an axis",
  since: 13,
  build([x], { axis }) {
    const e = Exp(shifted(x, axis));
    return Div(e, ReduceSum(e, { axes: [axis] }));
  },
  gradient({ outputs: [y], cotangents: [g], attributes: { axis } }) {
    const gy = Mul(g, y);
    return [Sub(gy, Mul(y, ReduceSum(gy, { axes: [axis] })))];
  },
  batch: ([x], _, { axis }) => [Softmax(x, axis + 1)],
});
export const Softmax = applying(
  softmax,
  (x: Value, axis = -1): Value => apply1(softmax, [x], { axis: normalizeAxis(axis, x.rank, "Softmax") }),
);

const logSoftmax: Operator<Axis, One, One> = composite({
  name: "LogSoftmax",
  family: "activation",
  summary: "the logarithm of Softmax",
  since: 13,
  build([x], { axis }) {
    const moved = shifted(x, axis);
    return Sub(moved, Log(ReduceSum(Exp(moved), { axes: [axis] })));
  },
  gradient: ({ inputs: [x], cotangents: [g], attributes: { axis } }) => [
    Sub(g, Mul(Softmax(x, axis), ReduceSum(g, { axes: [axis] }))),
  ],
  batch: ([x], _, { axis }) => [LogSoftmax(x, axis + 1)],
});
export const LogSoftmax = applying(
  logSoftmax,
  (x: Value, axis = -1): Value => apply1(logSoftmax, [x], { axis: normalizeAxis(axis, x.rank, "LogSoftmax") }),
);
