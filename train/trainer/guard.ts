// What decides in a step's graph whether the step is taken, before anybody has seen its loss: on engines that queue steps,
// and in float16, where a gradient that is not finite is a matter of the loss scale.
import { input, op, type Value } from "@innerloop/graph";
import { guardArrays } from "../names.ts";
import { scalar, type Tensors } from "./state.ts";

export interface Guard {
  /** Its arrays as they are at the start; they go from step to step as the parameters do. */
  readonly first: Tensors;
  /** Whether going on later needs these arrays, too; otherwise they begin anew. */
  readonly saved: boolean;
  /** So many steps in a row may be left out; with the next one, training has diverged. */
  readonly mostSkipped: number;
  /** Its array that losses are multiplied by while derivatives are taken. */
  readonly lossScale?: string;
  /** What it makes of a step, by its loss; to be asked once for a graph, since its arrays are inputs of it. */
  judge(loss: Value): Judgement;
}

interface Judgement {
  /** Whether to take the step, a bool scalar. @param norm of the gradient */
  accepts(norm: Value): Value;
  /** The guard's arrays after the step. */
  after(norm: Value): Record<string, Value>;
}

/** Larger than every finite float32 that a loss should reach; comparing with it is false for NaN, too. */
const largest = 3e38;

const finite = (loss: Value, norm: Value): Value =>
  op.And(op.Less(op.Abs(loss), largest), op.Less(op.Abs(norm), largest));

const { health, lossScale, steady } = guardArrays;

/** Leaves out a step that is not finite, and all that were handed over behind it. */
const healthGuard: Guard = {
  first: { [health]: scalar(1) },
  saved: false,
  mostSkipped: 0,
  judge(loss) {
    const before = input(health, []);
    const accepts = (norm: Value) => op.And(finite(loss, norm), op.Greater(before, 0.5));
    return { accepts, after: (norm) => ({ [health]: op.Cast(accepts(norm), "float32") }) };
  },
};

/** Loss scaling as in Micikevicius et al. 2018, §3.2: halved when a step is not finite, doubled after many that are. */
const scaling = { first: 2 ** 12, least: 1, most: 2 ** 24, steps: 500 };

/** Leaves out a step that does not fit into float16, and scales the next one's loss by less. */
const lossScaleGuard: Guard = {
  first: { [lossScale]: scalar(scaling.first), [steady]: scalar(0) },
  saved: true,
  mostSkipped: 19,
  lossScale,
  judge(loss) {
    const [scale, count] = [input(lossScale, []), op.Add(input(steady, []), 1)];
    const accepts = (norm: Value) => finite(loss, norm);
    const grows = op.GreaterOrEqual(count, scaling.steps);
    const larger = op.Where(grows, op.Min(op.Mul(scale, 2), scaling.most), scale);
    const smaller = op.Max(op.Mul(scale, 0.5), scaling.least);
    return {
      accepts,
      after: (norm) => ({
        [lossScale]: op.Where(accepts(norm), larger, smaller),
        [steady]: op.Where(op.And(accepts(norm), op.Not(grows)), count, 0),
      }),
    };
  },
};

/** @param queued whether steps follow each other before anybody has read a loss */
export function guardFor(precision: "float32" | "float16", queued: boolean): Guard | undefined {
  if (precision === "float16") return lossScaleGuard;
  return queued ? healthGuard : undefined;
}
