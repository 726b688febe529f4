// The target "plain ONNX": ai.onnx operators of one opset, laid out the way ONNX Runtime is quick at.
import type { DType } from "@innerloop/schemas";
import { multiplyDims } from "../core/dims.ts";
import { constant } from "../core/value.ts";
import { defaultOpset } from "../onnx/opsets.ts";
import { HardSigmoid } from "../ops/activation.ts";
import { Cast, Greater } from "../ops/elementwise.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Expand, Reshape } from "../ops/movement.ts";
import { convolutionAsColumns, convolutionAsConv } from "./convolution.ts";
import type { Lowering, Target } from "./lower.ts";
import { normalizationAsLayers } from "./normalization.ts";
import { poolingAsTaps } from "./pooling.ts";
import { joinProducts } from "./products.ts";

export interface OnnxTargetOptions {
  /** Operators introduced up to this opset stay whole. */
  readonly opset?: number;
  /** `columns` (the default): Gather and MatMul; `native`: Conv and ConvTranspose. {@link onnxTargetFor} knows what suits. */
  readonly convolution?: "columns" | "native";
  /** `float16`: for graphs of which a part will compute in it; without rewrites that need the range of float32. */
  readonly precision?: "float16";
}

/** Of what ONNX has, these run faster (or only) as their parts. */
const takenApart = new Set([
  "NegativeLogLikelihoodLoss",
  "LayerNormalization",
  "InstanceNormalization",
  "GroupNormalization",
  "Swish",
  "PRelu",
]);

/** 1 where x > 0: a HardSigmoid so steep that it has no slope in between is one node where comparing and casting are two. */
const positive: Lowering = ([x], ...rest) =>
  x!.dtype === "float32" ? [HardSigmoid(x!, { alpha: 1e38, beta: 0 })] : compared([x!], ...rest);

const compared: Lowering = ([x]) => [Cast(Greater(x!, 0), x!.dtype)];

/** A sum over neighbouring axes that are not the last ones is a product with a row of ones, which runs as a matrix product. */
const sumAsProduct: Lowering = ([x], attributes, [y]) => {
  const axes = attributes.axes as readonly number[];
  const [first, last] = [axes[0]!, axes.at(-1)!];
  const neighbours = axes.every((axis, i) => axis === first + i);
  if (!neighbours || last === x!.rank - 1 || !(["float32", "float64"] as DType[]).includes(x!.dtype)) return undefined;
  const rows = x!.shape.slice(first, last + 1).reduce(multiplyDims, 1);
  const after = x!.shape.slice(last + 1).reduce(multiplyDims, 1);
  const before = x!.shape.slice(0, first);
  const ones = Expand(constant(1, [1, 1], x!.dtype), [1, rows]);
  return [Reshape(MatMul(ones, Reshape(x!, [...before, rows, after])), y!.shape)];
};

/** Plain ONNX of an opset. */
export function onnxTarget({
  opset = defaultOpset,
  convolution = "columns",
  precision,
}: OnnxTargetOptions = {}): Target {
  return {
    name: `ONNX opset ${opset}`,
    lowerings: {
      ...(convolution === "native" ? convolutionAsConv : convolutionAsColumns),
      ...poolingAsTaps,
      ...normalizationAsLayers,
      ...(precision === "float16" ? { Positive: compared } : { Positive: positive, ReduceSum: sumAsProduct }),
    },
    ...(precision === "float16" ? {} : { finish: joinProducts }),
    keeps: ({ name, since, writtenAs }) =>
      writtenAs !== undefined || (since !== undefined && since <= opset && !takenApart.has(name)),
  };
}
