// Where a linear head starts at a task: ridge regression of the classes on features, by conjugate gradients.
import { constant } from "../core/build.ts";
import type { Value } from "../core/value.ts";
import * as op from "../ops/index.ts";
import type { Parameters } from "../transforms/inner-loop.ts";
import { absentClasses } from "./linear.ts";

/** How a regression becomes a head. */
export interface Ridge {
  /** λ of the regression. */
  readonly decay: number;
  /** What its answers, 1 for a class and 0 for others, are multiplied by to be logits. */
  readonly sharpness: number;
  /** Turns of conjugate gradients. */
  readonly turns: number;
}

/** Below what any sum of squares here is, and no denormal. */
const least = 1e-30;

/**
 * The head whose weight W has the least mean of wᵢ ‖fᵢ W − tᵢ‖² plus λ ‖W‖², where tᵢ is 1 for the class of example i and 0 for others, less the
 * share 1 / classes. Unlike class means it takes into account that features belong together, so that a direction in which
 * all classes scatter counts little.
 * @param features centred, `[n, f]`
 * @param hot `[n, ways]`; a class without examples has no part in it, and with an open number of classes is never the answer
 * @param weights that make classes equal, `[n]`
 */
export function ridgeHead(features: Value, hot: Value, weights: Value, { decay, sharpness, turns }: Ridge): Parameters {
  const present = op.ReduceMax(hot, { axes: [0], keepdims: true });
  const targets = op.Sub(hot, op.Div(present, op.ReduceSum(present, { keepdims: false })));
  const shares = op.Unsqueeze(op.Div(weights, op.ReduceSum(weights, { keepdims: false })), [1]);
  const across = op.Transpose(features, [1, 0]);
  const gathered = (rows: Value): Value => op.MatMul(across, op.Mul(shares, rows));
  const applied = (weight: Value): Value => op.Add(gathered(op.MatMul(features, weight)), op.Mul(decay, weight));
  const squares = (columns: Value): Value => op.ReduceSum(op.Mul(columns, columns), { axes: [0], keepdims: true });

  // Every class is a system of its own with the same matrix: a column with its own lengths of steps. The turns are a loop of the
  // graph, which stands in it once.
  const start = gathered(targets);
  const { carried } = op.Loop(
    constant(turns, [], "int64"),
    [op.Mul(0, start), start, start, squares(start)],
    (weight, left, direction, size) => {
      const image = applied(direction!);
      const curvature = op.ReduceSum(op.Mul(direction!, image), { axes: [0], keepdims: true });
      const length = op.Div(size!, op.Max(curvature, least));
      const rest = op.Sub(left!, op.Mul(length, image));
      const next = squares(rest);
      const turned = op.Add(rest, op.Mul(op.Div(next, op.Max(size!, least)), direction!));
      return { carried: [op.Add(weight!, op.Mul(length, direction!)), rest, turned, next], collected: [] };
    },
    "turns",
  );
  const scaled = op.Mul(sharpness, carried[0]!);
  const zeros = op.Squeeze(op.Mul(0, present), [0]);
  return { "head.weight": scaled, "head.bias": typeof hot.shape[1] === "number" ? zeros : absentClasses(hot) };
}
