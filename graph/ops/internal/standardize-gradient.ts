// What comes of a cotangent of a standardized array: an operator of its own, since its derivatives are simpler than those of its
// parts.
import { apply1, composite } from "../../core/operator.ts";
import type { One, Operator, Value } from "../../core/value.ts";
import { Add, Mul, Neg, Sub } from "../arithmetic.ts";
import { ReduceMean, ReduceSum } from "../reduction.ts";
import { allBatched } from "./broadcasting.ts";

type Slope = readonly [g: Value, y: Value, scale: Value];
type Axes = { readonly axes: readonly number[] };

export const standardizeGradient: Operator<Axes, Slope, One> = composite({
  name: "StandardizeGradient",
  family: "normalization",
  summary:
    "scale · (g − mean g − y · mean g·y) over some axes: what comes of a cotangent g of y = Standardize(x), scale being its InverseDeviation",
  build([g, y, scale]: Slope, { axes }: Axes) {
    const mean = (v: Value) => ReduceMean(v, { axes });
    return Mul(scale, Sub(Sub(g, mean(g)), Mul(y, mean(Mul(g, y)))));
  },
  // The map of g is its own transpose. What it gives is not needed for the slope of the scale, but the sums that others take anyway.
  gradient({ inputs: [g, y, scale], cotangents: [c], attributes: { axes }, needs }) {
    const mean = (v: Value) => ReduceMean(v, { axes });
    const sum = (v: Value) => ReduceSum(v, { axes });
    const share = (v: Value) => Neg(Mul(scale, mean(Mul(v, y))));
    return [
      needs(0) ? apply1(standardizeGradient, [c, y, scale], { axes }) : undefined,
      needs(1) ? Add(Mul(c, share(g)), Mul(g, share(c))) : undefined,
      needs(2) ? Sub(Sub(sum(Mul(c, g)), Mul(mean(c), sum(g))), Mul(mean(Mul(c, y)), sum(Mul(g, y)))) : undefined,
    ];
  },
  batch: (inputs, flags, { axes }) => [
    apply1(standardizeGradient, allBatched<Slope>(inputs, flags), { axes: axes.map((axis) => axis + 1) }),
  ],
});

/** By which its nodes are known. */
export const StandardizeGradient = { operator: standardizeGradient };
