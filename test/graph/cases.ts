// What the operators that have derivatives are tried on.
import { constant, cotangents, op, type ShapedNumbers, type Value } from "@innerloop/graph";
import { type Case, on, onPositive } from "./case.ts";
import { indexCases } from "./index-cases.ts";
import { numbers } from "./numbers.ts";
import { samplingCases } from "./sampling-cases.ts";

export type { Case } from "./case.ts";

const matrix = [2, 3];
const broadcasts: (readonly number[])[][] = [
  [matrix, matrix],
  [matrix, [3]],
  [[3], matrix],
  [
    [2, 1],
    [1, 3],
  ],
];
const reduceOptions = [{}, { axes: [1] }, { axes: [0], keepdims: false }, { axes: [0, -1] }];

const each = (names: string, build: (name: string) => Case[]): Record<string, Case[]> =>
  Object.fromEntries(names.split(" ").map((name) => [name, build(name)]));
const named = op as unknown as Record<string, (...x: unknown[]) => Value>;
const integers = (list: readonly number[], shape: readonly number[] = [list.length]): Value =>
  constant(list, shape, "int64");

const window = { pads: [1, 1, 1, 1], strides: [2, 2] };
const convolution = (x: Value, w: Value): Value => op.Convolution(x, w, window);
const grouped = { pads: [1, 0, 1, 2], dilations: [2, 1], groups: 2 };
const pooling = (x: Value): Value => op.MaxPooling(x, [3, 3], window);
const conv = (x: Value, w: Value): Value => op.Conv(x, w, undefined, window);
const pool = (x: Value): Value => op.MaxPool(x, [3, 3], window);

/** Everything that an operator gives, in one row. */
const inOne = (values: readonly Value[]): Value =>
  op.Concat(
    values.map((value) => op.Reshape(value, [-1])),
    0,
  );
const weights = (gates: number, ways: number): (readonly number[])[] => [
  [ways, 2 * gates, 3],
  [ways, 2 * gates, 2],
  [ways, 4 * gates],
];
const lengths = (...list: number[]): Value => constant(list, [list.length], "int32");
const running = { reverse: true };

/** By the operator that they are about. */
export const cases: Record<string, Case[]> = {
  ...indexCases,
  ...each(
    "Neg Abs Exp Sin Cos Tan Atan Sinh Cosh Erf Tanh Sigmoid Softplus Relu Mish Softsign HardSwish HardSigmoid Elu Celu Selu LeakyRelu Swish",
    (name) => [on((x) => named[name]!(x), matrix)],
  ),
  ...each("Log Sqrt Reciprocal", (name) => [onPositive((x) => named[name]!(x), matrix)]),
  ...each("Add Sub Mul Div Max Min", (name) => broadcasts.map((s) => on((a, b) => named[name]!(a, b), ...s))),
  ...each("Sum Mean", (name) => [on((a, b, c) => named[name]!(a, b, c), matrix, [3], [2, 1])]),
  Pow: [onPositive((a, b) => op.Pow(a, b), matrix, [3]), on((a) => op.Pow(a, 3), matrix)],
  Where: [on((a, b) => op.Where(op.Greater(a, b), op.Mul(a, b), op.Sin(b)), matrix, [3])],
  Cast: [on((x) => op.Cast(op.Cast(x, "float32"), "float64"), matrix)],
  CastLike: [on((x, y) => op.Mul(op.CastLike(x, y), y), matrix, matrix)],
  Clip: [on((x) => op.Clip(x, -0.5, 0.4), [7]), on((x, low) => op.Clip(x, low), matrix, [])],
  Within: [on((g, x) => cotangents([op.Clip(x, -0.5, 0.4)], [g], [x])[0]!, [7], [7])],
  Gelu: [on((x) => op.Gelu(x), [5]), on((x) => op.Gelu(x, { approximate: "tanh" }), [5])],
  ThresholdedRelu: [on((x) => op.ThresholdedRelu(x, { alpha: 0.1 }), [7])],
  Shrink: [on((x) => op.Shrink(x, { bias: 0.25, lambd: 0.4 }), [7])],
  SwiGLU: [on((x, gate) => op.SwiGLU(x, gate, { alpha: 0.5 }), matrix, matrix)],
  PRelu: [on((x, slope) => op.PRelu(x, slope), [3, 4], [4])],
  Softmax: [on((x) => op.Softmax(x), [3, 4]), on((x) => op.Softmax(x, 0), [3, 4])],
  LogSoftmax: [on((x) => op.LogSoftmax(x), [3, 4]), on((x) => op.LogSoftmax(x, 0), [3, 4])],
  MatMul: [
    [matrix, [3, 4]],
    [
      [5, 2, 3],
      [3, 4],
    ],
    [
      [5, 2, 3],
      [5, 3, 4],
    ],
    [matrix, [5, 3, 4]],
    [
      [2, 1, 2, 3],
      [3, 3, 2],
    ],
    [[3], [3, 4]],
    [matrix, [3]],
    [[3], [3]],
  ].map((shapes) => on((a, b) => op.MatMul(a, b), ...shapes)),
  Gemm: [on((a, b, c) => op.Gemm(a, b, c, { alpha: 0.5, beta: 2, transA: 1, transB: 1 }), [3, 2], [4, 3], [4])],
  ...each("ReduceSum ReduceMax ReduceMin ReduceMean ReduceL1 ReduceL2 ReduceLogSumExp ReduceSumSquare", (name) =>
    reduceOptions.map((options) => on((x) => named[name]!(x, options), [2, 3, 2])),
  ),
  ...each("ReduceProd ReduceLogSum", (name) =>
    reduceOptions.map((options) => onPositive((x) => named[name]!(x, options), [2, 3, 2])),
  ),
  CumSum: [0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse) => on((x) => op.CumSum(x, 1, { exclusive, reverse }), [2, 4])),
  ),
  StopGradient: [on((x) => op.Mul(x, op.stopGradient(op.Add(constant(2, [], "float64"), op.Sign(x)))), matrix)],
  Scan: [
    on(
      (h, x, w) => {
        const turn = ([s]: readonly Value[], [e]: readonly Value[]) => {
          const next = op.Tanh(op.Add(op.MatMul(s!, w), e!));
          return { carried: [next], collected: [op.Mul(next, e!)] };
        };
        const there = op.Scan([h], [x], turn);
        const back = op.Scan(there.carried, there.collected, turn, running);
        return inOne([...there.carried, ...back.carried, ...back.collected]);
      },
      [2, 2],
      [3, 2, 2],
      [2, 2],
    ),
    // Attention over a state that keys and values are summed up in: its derivative multiplies states by cotangents of what is collected.
    on(
      (s, k, v) => {
        const { carried, collected } = op.Scan([s], [k, v], ([m], [key, value]) => {
          const next = op.Add(m!, op.MatMul(op.Transpose(key!, [1, 0]), value!));
          return { carried: [next], collected: [op.MatMul(key!, next)] };
        });
        return inOne([...carried, ...collected]);
      },
      [2, 2],
      [3, 1, 2],
      [3, 1, 2],
    ),
    on((x) => op.Scan([], [x], (_, [e]) => ({ carried: [], collected: [op.Sin(e!)] })).collected[0]!, [2, 3]),
    on(
      (a, b, x, w) => {
        const { carried } = op.Scan([a, b], [x], ([s, t], [e]) => ({
          carried: [
            op.Add(s!, op.Mul(t!, w)),
            op.Mul(
              t!,
              op.Scan([e!], [x], ([u], [v]) => ({ carried: [op.Mul(u!, op.Cos(v!))], collected: [] })).carried[0]!,
            ),
          ],
          collected: [],
        }));
        return inOne(carried);
      },
      [2],
      [2],
      [2, 2],
      [2],
    ),
  ],
  If: [1, -1].map((sign) =>
    on(
      (a, b) =>
        op.If(
          op.Greater(op.Mul(op.ReduceSum(op.Mul(a, a), { keepdims: false }), sign), 0),
          () => [op.Mul(op.Sin(a), b)],
          () => [op.Add(op.Exp(a), b)],
        )[0]!,
      [3],
      [3],
    ),
  ),
  RNN: [
    on((x, w, r, b) => inOne(op.RNN(x, w, r, { b })), [2, 2, 3], ...weights(1, 1)),
    on(
      (x, w, r, b) => inOne(op.RNN(x, w, r, { b, direction: "reverse", sequenceLens: lengths(1, 2) })),
      [2, 2, 3],
      ...weights(1, 1),
    ),
  ],
  GRU: [
    on((x, w, r, b, initialH) => inOne(op.GRU(x, w, r, { b, initialH })), [2, 1, 3], ...weights(3, 1), [1, 1, 2]),
    on(
      (x, w, r, b) =>
        inOne(op.GRU(x, w, r, { b, direction: "bidirectional", linearBeforeReset: true, sequenceLens: lengths(1, 2) })),
      [2, 2, 3],
      ...weights(3, 2),
    ),
  ],
  LSTM: [
    on(
      (x, w, r, b, initialH, initialC, p) => inOne(op.LSTM(x, w, r, { b, initialH, initialC, p })),
      ...[[2, 1, 3], ...weights(4, 1), [1, 1, 2], [1, 1, 2], [1, 6]],
    ),
    on(
      (x, w, r, b) =>
        inOne(
          op.LSTM(x, w, r, {
            b,
            direction: "bidirectional",
            sequenceLens: lengths(1, 2),
            inputForget: true,
            clip: 0.9,
          }),
        ),
      [2, 2, 3],
      ...weights(4, 2),
    ),
  ],
  Reshape: [on((x) => op.Reshape(x, [3, -1]), [2, 6])],
  Transpose: [on((x) => op.Transpose(x, [2, 0, 1]), [2, 3, 4])],
  Expand: [on((x) => op.Expand(x, [4, 2, 3]), [2, 1])],
  Concat: [on((a, b) => op.Concat([a, b, a], 1), matrix, [2, 1])],
  Slice: [
    on((x) => op.Slice(x, [1, 0], [3, 2], [1, 0]), [3, 4]),
    on((x) => op.Slice(x, [-1], [-100], [1], [-2]), [3, 5]),
  ],
  Gather: [
    on((x) => op.Gather(x, integers([2, 0, 2]), 1), [2, 3, 2]),
    on((x) => op.Gather(x, integers([-1, 0, 1, -3], [2, 2]), 1), [2, 3, 2]),
    on((x, at) => op.Gather(x, op.Cast(op.Mul(at, 2.9), "int64"), 1), [2, 3], [4]),
    on((x, at) => op.Gather(x, op.Cast(op.Mul(at, 2.9), "int64"), 0), [3, 2], [2, 2]),
  ],
  Pad: [
    on((x) => op.Pad(x, [1, 0, 0, 2], "constant", 1.5), matrix),
    on((x) => op.Pad(x, [1, 1, 1, 2], "reflect"), [3, 4]),
    on((x) => op.Pad(x, [1, 1, 1, 2], "edge"), matrix),
    on((x) => op.Pad(x, [1, 1, 1, 2], "wrap"), matrix),
    on((x) => op.Pad(x, [-1, 1, 0, 0]), [3, 4]),
  ],
  Squeeze: [on((x) => op.Squeeze(x, [-1]), [2, 1])],
  Unsqueeze: [on((x) => op.Unsqueeze(x, [0, -1]), matrix)],
  Flatten: [on((x) => op.Flatten(x), [2, 3, 2])],
  Split: [on((x) => op.Mul(op.Split(x, [1, 3], 1)[0]!, op.Split(x, 2, 1)[1]!), [2, 4])],
  Tile: [on((x) => op.Tile(x, [2, 3]), [2, 2])],
  DepthToSpace: [on((x) => op.DepthToSpace(x, 2), [1, 4, 2, 1]), on((x) => op.DepthToSpace(x, 2, "CRD"), [1, 8, 1, 2])],
  SpaceToDepth: [on((x) => op.SpaceToDepth(x, 2), [1, 1, 4, 2])],
  Identity: [on((x) => op.Identity(x), matrix)],
  Convolution: [
    on(convolution, [2, 5, 4, 2], [3, 3, 2, 3]),
    on((x, w) => op.Convolution(x, w, grouped), [1, 5, 4, 4], [2, 2, 2, 4]),
    on((x, w) => op.Convolution(x, w, { pads: [1, 1] }), [2, 6, 2], [3, 2, 3]),
    on((x, w) => op.Convolution(x, w), [1, 3, 3, 2, 1], [2, 2, 2, 1, 2]),
  ],
  ConvolutionInputGradient: [
    on((g, x, w) => cotangents([convolution(x, w)], [g], [x])[0]!, [2, 3, 2, 3], [2, 5, 4, 2], [3, 3, 2, 3]),
  ],
  ConvolutionWeightGradient: [
    on((g, x, w) => cotangents([convolution(x, w)], [g], [w])[0]!, [2, 3, 2, 3], [2, 5, 4, 2], [3, 3, 2, 3]),
  ],
  ConvInputGradient: [
    on((g, x, w) => cotangents([conv(x, w)], [g], [x])[0]!, [2, 3, 3, 2], [2, 2, 5, 4], [3, 2, 3, 3]),
  ],
  ConvWeightGradient: [
    on((g, x, w) => cotangents([conv(x, w)], [g], [w])[0]!, [2, 3, 3, 2], [2, 2, 5, 4], [3, 2, 3, 3]),
  ],
  MaxPoolGradient: [on((g, x) => cotangents([pool(x)], [g], [x])[0]!, [1, 2, 3, 3], [1, 2, 5, 5])],
  MaxPoolSelection: [
    on(
      (t, g, x) => cotangents([cotangents([pool(x)], [g], [x])[0]!], [t], [g])[0]!,
      [1, 2, 5, 5],
      [1, 2, 3, 3],
      [1, 2, 5, 5],
    ),
  ],
  MaxUnpool: [
    on(
      (x, y) => op.MaxUnpool(x, op.maxPlaces(op.MaxPool(y, [2, 2], { strides: [2, 2] })), [2, 2], { strides: [2, 2] }),
      [1, 2, 2, 2],
      [1, 2, 4, 4],
    ),
  ],
  LpPool: [
    on((x) => op.LpPool(x, [2, 2], { strides: [2, 2] }), [1, 2, 4, 4]),
    on((x) => op.LpPool(x, [3], { pads: [1, 1], p: 3 }), [1, 2, 5]),
  ],
  GlobalLpPool: [on((x) => op.GlobalLpPool(x, { p: 3 }), [1, 2, 3, 4])],
  RMSNormalization: [on((x, s) => op.RMSNormalization(x, s), [2, 3, 4], [4])],
  LpNormalization: [on((x) => op.LpNormalization(x, { axis: 1 }), [2, 3, 4])],
  LRN: [on((x) => op.LRN(x, 3, { alpha: 0.5, bias: 2 }), [2, 4, 2, 3])],
  MeanVarianceNormalization: [on((x) => op.MeanVarianceNormalization(x), [2, 3, 2, 2])],
  Conv: [
    on((x, w, b) => op.Conv(x, w, b, { pads: [1, 1, 1, 1], strides: [2, 1] }), [2, 2, 4, 4], [3, 2, 3, 3], [3]),
    on((x, w) => op.Conv(x, w, undefined, { group: 2, dilations: [2] }), [2, 4, 6], [2, 2, 2]),
    on((x, w) => op.Conv(x, w, undefined, { group: 3, pads: [0, 1, 1, 0, 1, 0] }), [1, 3, 2, 2, 3], [3, 1, 2, 2, 2]),
  ],
  ConvTranspose: [
    on((x, w, b) => op.ConvTranspose(x, w, b, { ...window, outputPadding: [1, 1] }), [2, 2, 3, 2], [2, 3, 3, 3], [3]),
    on((x, w) => op.ConvTranspose(x, w, undefined, { group: 2 }), [1, 4, 2, 2], [4, 1, 2, 2]),
  ],
  MaxPooling: [on((x) => op.MaxPooling(x, [2, 2], { strides: [2, 2] }), [2, 4, 4, 2]), on(pooling, [1, 5, 5, 2])],
  MaxPoolingGradient: [on((g, x) => cotangents([pooling(x)], [g], [x])[0]!, [1, 3, 3, 2], [1, 5, 5, 2])],
  MaxPoolingSelection: [
    on(
      (t, g, x) => cotangents([cotangents([pooling(x)], [g], [x])[0]!], [t], [g])[0]!,
      [1, 5, 5, 2],
      [1, 3, 3, 2],
      [1, 5, 5, 2],
    ),
  ],
  MaxPool: [on((x) => op.MaxPool(x, [2, 2], { strides: [2, 2], ceilMode: true }), [1, 2, 5, 5])],
  AveragePool: [
    on((x) => op.AveragePool(x, [3, 3], { ...window, countIncludePad: true }), [1, 2, 5, 5]),
    on((x) => op.AveragePool(x, [2, 2], { strides: [2, 2] }), [1, 2, 4, 4]),
  ],
  GlobalAveragePool: [on((x) => op.GlobalAveragePool(x), [1, 2, 3, 4])],
  GlobalMaxPool: [on((x) => op.GlobalMaxPool(x), [1, 2, 3, 4])],
  Standardize: [on((x) => op.Standardize(x, [1, 2]), [2, 3, 2])],
  InverseDeviation: [
    on((x) => op.InverseDeviation(x, [1, 2]), [2, 3, 2]),
    on((x) => op.InverseDeviation(x, [0]), [3, 2]),
  ],
  StandardizeGradient: [
    on((g, x) => cotangents([op.Standardize(x, [1, 2])], [g], [x])[0]!, [2, 3, 2], [2, 3, 2]),
    on((g, x) => cotangents([op.Standardize(x, [0])], [g], [x])[0]!, [4, 2], [4, 2]),
  ],
  LayerNormalization: [on((x, g, b) => op.LayerNormalization(x, g, b), [2, 3, 4], [4], [4])],
  GroupNormalization: [on((x, g, b) => op.GroupNormalization(x, g, b, 2), [2, 4, 3], [4], [4])],
  InstanceNormalization: [on((x, g, b) => op.InstanceNormalization(x, g, b), [2, 3, 4], [3], [3])],
  BatchNormalization: [
    on(
      (x, g, b) =>
        op.BatchNormalization(x, g, b, constant(0, [1], "float64"), constant(1, [1], "float64"), {
          trainingMode: true,
        }),
      [4, 3],
      [3],
      [3],
    ),
    on((x, g, b, m, v) => op.BatchNormalization(x, g, b, m, op.Exp(v)), [2, 3, 2], [3], [3], [3], [3]),
  ],
  NegativeLogLikelihoodLoss: [
    on((x, w) => op.NegativeLogLikelihoodLoss(x, integers([1, 0, 3]), { weights: op.Exp(w) }), [3, 4], [4]),
  ],
  SoftmaxCrossEntropyLoss: [
    on((x) => op.SoftmaxCrossEntropyLoss(x, integers([1, 0, 3])), [3, 4]),
    on((x) => op.SoftmaxCrossEntropyLoss(x, integers([1, 0, 2, 2], [2, 2]), { reduction: "sum" }), [2, 3, 2]),
  ],
  ...samplingCases,
};

/** Numbers for the inputs `x0`, `x1` … of a case. */
export const feedsOf = ({ shapes, from = (x) => x }: Case, next: () => number): Record<string, ShapedNumbers> =>
  Object.fromEntries(shapes.map((shape, i) => [`x${i}`, numbers(shape, () => from(next()))]));
