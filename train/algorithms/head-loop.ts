// The inner loop where the head alone moves: over centred features, and in the coordinates in which it takes the least.
import {
  centreOf,
  constant,
  curvatureBound,
  grad,
  type InnerLoopOptions,
  type InnerLoopResult,
  innerLoop,
  op,
  type Parameters,
  scope,
  type Value,
} from "@innerloop/graph";
import { applyHead } from "../models/sequential.ts";

interface HeadLoopOptions extends Omit<InnerLoopOptions, "rates"> {
  readonly rates: Parameters;
  readonly weights: Value;
}

/**
 * Guarded steps on the head alone. They are taken over features that are centred, f − μ, in which the same logits have the
 * bias b + μ·W; so a step on the weights leaves the mean of the logits where it is. A head with a `decay` holds on to its
 * start, and its rates are bounded so that no step is too long.
 */
export function headLoop(
  features: Value,
  parameters: Parameters,
  lossOf: (outputs: Value) => Value,
  { rates, weights, decay, ...settings }: HeadLoopOptions,
): InnerLoopResult {
  const centre = centreOf(features, weights);
  const centred = op.Sub(features, centre);
  const atCentre = (weight: Value): Value => op.Squeeze(op.MatMul(centre, weight), [0]);
  const [weight, bias] = [parameters["head.weight"]!, parameters["head.bias"]!];
  const begin = { "head.weight": weight, "head.bias": op.Add(bias, atCentre(weight)) };
  const shortened = (held: number): Parameters => {
    const still = constant(0);
    const both = { weight: rates["head.weight"] ?? still, bias: rates["head.bias"] ?? still };
    const bound = op.Max(curvatureBound(centred, weights, both, held), 1);
    return Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, op.Div(rate, bound)]));
  };
  const steps = { ...settings, ...(decay === undefined ? { rates } : { rates: shortened(decay), decay }) };
  const result = alongExamples(centred, steps)
    ? stepsAlongExamples(centred, begin, lossOf, steps)
    : innerLoop((p) => lossOf(applyHead(centred, p)), begin, steps);
  // As differences from the start, so that a head that took no step is the start to the bit.
  const uncentred = (moved: Parameters): Parameters => {
    const now = { ...begin, ...moved };
    const turned = op.Sub(now["head.bias"], begin["head.bias"]);
    const shift = op.Sub(turned, atCentre(op.Sub(now["head.weight"], weight)));
    return { "head.weight": now["head.weight"], "head.bias": op.Add(bias, shift) };
  };
  return { ...result, adapted: uncentred(result.adapted), path: result.path.map(uncentred) };
}

/**
 * Whether steps are taken in coordinates of the examples: where these are known to be fewer than half the features, so that the arrays of
 * a step are that much smaller. In first order the features of the steps themselves would count, and in float16 their products do not fit.
 */
function alongExamples(features: Value, { rates, order, lossScale }: InnerLoopOptions): boolean {
  const [examples, size] = features.shape;
  if (typeof examples !== "number" || typeof size !== "number" || order === 1 || lossScale) return false;
  return 2 * examples <= size && "head.weight" in rates;
}

/**
 * The same steps of a head's weights W on features F `[n, f]`: a gradient is Fᵀ·δ with δ the slope of the logits, so W stays at the start plus
 * Fᵀ·A, and A `[n, ways]` is all that moves. The logits are those of the start plus F·Fᵀ·A.
 */
function stepsAlongExamples(
  features: Value,
  begin: Parameters,
  lossOf: (outputs: Value) => Value,
  settings: InnerLoopOptions,
): InnerLoopResult {
  const { "head.weight": weight, "head.bias": bias } = begin as Record<"head.weight" | "head.bias", Value>;
  const turned = op.Transpose(features);
  const [atStart, products] = [op.MatMul(features, weight), op.MatMul(features, turned)];
  const scores = (p: Parameters): Value => scope("head", () => op.Add(atStart, op.MatMul(products, p["head.weight"]!)));
  const none = op.Expand(constant(0), atStart.shape);
  const result = innerLoop(
    (p) => lossOf(op.Add(scores(p), p["head.bias"]!)),
    { ...begin, "head.weight": none },
    {
      ...settings,
      coordinates: {
        slopes(loss, p) {
          const [weightSlope, biasSlope] = grad(loss, [scores(p), p["head.bias"]!]);
          return { "head.weight": weightSlope!, "head.bias": biasSlope! };
        },
        squared: (way, name) =>
          op.ReduceSum(op.Mul(way, name === "head.weight" ? op.MatMul(products, way) : way), { keepdims: false }),
      },
    },
  );
  const asWeights = (moved: Parameters): Parameters => ({
    "head.bias": bias,
    ...moved,
    "head.weight": op.Add(weight, op.MatMul(turned, moved["head.weight"]!)),
  });
  return { ...result, adapted: asWeights(result.adapted), path: result.path.map(asWeights) };
}
