// The target "plain ONNX": ai.onnx operators of one opset, laid out the way ONNX Runtime is quick at.
import { constant, uniformOf } from "../core/build.ts";
import { at } from "../core/lists.ts";
import { isFloat } from "../core/operator.ts";
import { sameShape, sizeOf } from "../core/shapes.ts";
import { madeBy, type Operator, type Value } from "../core/value.ts";
import { defaultOpset } from "../onnx/opsets.ts";
import { Clip, HardSigmoid, PRelu, Swish } from "../ops/activation.ts";
import { Positive, Sub } from "../ops/arithmetic.ts";
import { Equal, Greater } from "../ops/comparison.ts";
import { Cast } from "../ops/dtypes.ts";
import { SumTo } from "../ops/internal/broadcasting.ts";
import { ReduceSumBy } from "../ops/internal/reducing.ts";
import { AsNumbers } from "../ops/internal/sizes.ts";
import { Within } from "../ops/internal/within.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { NegativeLogLikelihoodLoss } from "../ops/loss.ts";
import { Expand, Reshape } from "../ops/movement.ts";
import { GroupNormalization, InstanceNormalization, LayerNormalization } from "../ops/normalization.ts";
import { NonZero } from "../ops/ordering.ts";
import { ReduceMax, ReduceMin, ReduceSum } from "../ops/reduction.ts";
import { barrierAsAxis } from "./barrier.ts";
import { formsByCost } from "./by-cost.ts";
import { channelsFirst, fixedBy } from "./channels-first.ts";
import { convolutionAsColumns } from "./columns.ts";
import type { Costs } from "./costs.ts";
import { doubles, lacksDouble } from "./double.ts";
import { transposedFactors } from "./factors.ts";
import { type Choose, quickest } from "./forms.ts";
import { flooredRemainder } from "./indexing.ts";
import { type Lowering, lowering, type Target } from "./lower.ts";
import { convolutionAsConv, convolutionAsSharedConv } from "./native-convolution.ts";
import { normalizationAsLayers } from "./normalization.ts";
import { convolutionAtPoints, pointsName } from "./points.ts";
import { poolingAsTaps } from "./pooling.ts";
import { poolsFirst } from "./pools-first.ts";
import { recurrentAsSteps } from "./recurrent.ts";
import { scanAsLoop } from "./scan.ts";

export interface OnnxTargetOptions {
  /** Operators introduced up to this opset stay whole; unless given, those of models that were read as well, whatever theirs is. */
  readonly opset?: number;
  /**
   * `columns` (the default): Gather and MatMul; `native`: Conv and ConvTranspose; `shared`: these where all tasks have the same weights,
   * and columns where each has its own. {@link onnxTargetFor} knows what suits.
   */
  readonly convolution?: keyof typeof convolutionForms;
  /** `float16`: for graphs of which a part will compute in it; without rewrites that need the range of float32. */
  readonly precision?: "float16";
  /** The names of inputs whose numbers the file has for good. */
  readonly fixed?: ReadonlySet<string>;
  /** What forms cost on the machine that it is for: each node then gets the one that is clearly cheaper there. */
  readonly costs?: Costs;
  /**
   * How many times fewer multiplications products at points have to take than columns. Where it is computed without columns being written, these have
   * to save more.
   */
  readonly pointsGain?: number;
  /** Which of several ways to compute something is taken; the one that is likely the quickest unless given. */
  readonly choose?: Choose;
}

/** Of what ONNX has, these run faster (or only) as their parts. */
const takenApart = new Set<Operator>(
  [
    ...[NegativeLogLikelihoodLoss, LayerNormalization, InstanceNormalization, GroupNormalization],
    ...[Swish, PRelu],
  ].map(({ operator }): Operator => operator),
);

const compared = (x: Value): Value => Cast(Greater(x, 0), x.dtype);

/** 1 where x > 0: a HardSigmoid so steep that it has no slope in between is one node where comparing and casting are two. */
const positive = lowering(Positive, ([x]) => [x.dtype === "float32" ? steepAt(x) : compared(x)]);

/** The slope is a power of two where a bound is taken along, so that both products are exact. */
const [slope, largestBound] = [2 ** 119, 255];

function steepAt(x: Value): Value {
  const [a, b] = madeBy(x, Sub)?.inputs ?? [];
  const [bound, limit] = [a && boundOf(a), b && boundOf(b)];
  if (b && bound !== undefined && sameShape(b.shape, x.shape))
    return HardSigmoid(b, { alpha: -slope, beta: bound * slope });
  if (a && limit !== undefined && sameShape(a.shape, x.shape))
    return HardSigmoid(a, { alpha: slope, beta: -limit * slope });
  return HardSigmoid(x, { alpha: 1e38, beta: 0 });
}

/** The number that a value is everywhere, where float32 has it and its product with the slope. */
function boundOf(value: Value): number | undefined {
  const bound = uniformOf(value);
  return bound !== undefined && Math.abs(bound) <= largestBound && Math.fround(bound) === bound ? bound : undefined;
}
const positiveInHalf = lowering(Positive, ([x]) => [compared(x)]);

/** The float32 next to one, upwards or downwards. */
function beside(number: number, up: boolean): number {
  if (number === 0) return up ? 2 ** -126 : -(2 ** -126);
  const [bits = 0] = new Int32Array(Float32Array.of(number).buffer);
  const away = number > 0 === up ? 1 : -1;
  return new Float32Array(Int32Array.of(bits + away).buffer)[0] ?? number;
}

/**
 * What lies between two bounds is what stays as it is between the numbers beside them. Truth values take less memory than numbers, which
 * matters where a runtime finds them long before they are used.
 */
const within = lowering(Within, ([x], { low, high }) => {
  const exact = [low, high].every((bound) => Math.fround(bound) === bound && Number.isFinite(bound));
  if (!exact || x.dtype !== "float32" || !(low < high)) return undefined;
  return [Cast(Equal(x, Clip(x, beside(low, true), beside(high, false))), x.dtype)];
});

/** Truth values have a largest and a smallest since opset 20 only. */
const extremesOfBools = [ReduceMax, ReduceMin].map((reduce) =>
  lowering(reduce, ([x], attributes) =>
    x.dtype === "bool" ? [Cast(reduce(Cast(x, "int32"), attributes), "bool")] : undefined,
  ),
);

/** A sum over the axes that have size 1 in a shape: which those are comes out when the graph runs. */
const sumOverUnits = lowering(SumTo, ([x], { shape }) => {
  const axes = Reshape(NonZero(Equal(AsNumbers(shape), 1)), [-1]);
  return [Reshape(ReduceSumBy(x, axes, true, true), shape)];
});

/** A sum over neighbouring axes that are not the last ones is a product with a row of ones, which runs as a matrix product. */
export const sumAsProduct = lowering(ReduceSum, ([x], { axes }, [y]) => {
  const [first, last] = [at(axes, 0), at(axes, -1)];
  const neighbours = axes.every((axis, i) => axis === first + i);
  if (!neighbours || last === x.rank - 1 || !isFloat(x.dtype)) return undefined;
  const rows = sizeOf(x.shape.slice(first, last + 1));
  const ones = Expand(constant(1, [1, 1], x.dtype), [1, rows]);
  const flat = Reshape(x, [...x.shape.slice(0, first), rows, sizeOf(x.shape.slice(last + 1))]);
  return [Reshape(MatMul(ones, flat), y.shape)];
});

/** How convolutions may be written. */
const convolutionForms = {
  columns: Object.values(convolutionAsColumns),
  native: convolutionAsConv,
  shared: convolutionAsSharedConv,
} satisfies Readonly<Record<string, readonly Lowering[]>>;

/** Plain ONNX of an opset. */
export function onnxTarget({
  opset: asked,
  convolution = "columns",
  precision,
  fixed = new Set(),
  costs,
  pointsGain,
  choose = quickest,
}: OnnxTargetOptions = {}): Target {
  const opset = asked ?? defaultOpset;
  const isFixed = fixedBy(fixed);
  const hasPoints = convolution === "columns" && precision === undefined;
  const byCost = (usual: readonly Lowering[], name?: string) => [
    ...usual,
    ...(costs ? formsByCost(costs, usual, name) : []),
  ];
  return {
    name: `ONNX opset ${opset}`,
    lowerings: [
      ...byCost(convolutionForms[convolution]),
      ...(hasPoints ? byCost(convolutionAtPoints(pointsGain), pointsName) : []),
      ...channelsFirst(isFixed, choose, hasPoints),
      ...(precision === "float16" ? [] : poolsFirst(convolution !== "native")),
      ...poolingAsTaps,
      ...normalizationAsLayers,
      ...recurrentAsSteps,
      scanAsLoop,
      ...[barrierAsAxis, sumOverUnits, flooredRemainder],
      ...(opset < 20 ? extremesOfBools : []),
      ...doubles,
      ...(precision === "float16" ? [positiveInHalf] : [positive, within, sumAsProduct, ...transposedFactors]),
    ],
    isFixed,
    ...(precision === "float16"
      ? {}
      : {
          suits: [
            "counts",
            "products",
            "turned",
            "strides",
            "reshapes",
            ...(convolution === "columns" ? ["sums", "places", "norms", "blocks", "numbers"] : []),
          ],
        }),
    // A node of a model that was read needs the opset that it needs; only where another is asked for it may be too new.
    keeps: (operator, inputs) =>
      !lacksDouble(operator, inputs) &&
      ((operator.writtenAs !== undefined && (asked === undefined || (operator.since ?? 0) <= asked)) ||
        (operator.since !== undefined && operator.since <= opset && !takenApart.has(operator))),
  };
}
