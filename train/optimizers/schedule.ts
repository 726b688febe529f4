// The course of the outer learning rate, as a graph.
import { op, type Value } from "@innerloop/graph";
import type { ScheduleConfig } from "@innerloop/schemas";

/**
 * Rises linearly over the warm-up, then falls along half a cosine to `floor` (Loshchilov and Hutter 2017), or stays.
 * @param step the number of the update, from 1, a float32 scalar
 * @param progress how much of the run is over, 0 to 1, a float32 scalar
 */
export function scheduledRate(
  peak: number,
  { warmup, decay, floor }: ScheduleConfig,
  step: Value,
  progress: Value,
): Value {
  const rising = warmup > 0 ? op.Min(1, op.Div(step, warmup)) : undefined;
  const falling =
    decay === "cosine"
      ? op.Add(floor, op.Mul((1 - floor) / 2, op.Add(1, op.Cos(op.Mul(Math.PI, progress)))))
      : undefined;
  const factor = rising && falling ? op.Mul(rising, falling) : (rising ?? falling);
  return factor ? op.Mul(peak, factor) : op.Add(peak, op.Mul(0, step));
}
