// How a result is given: a mean over episodes, or how much of it hangs on the classes that happened to be there.
import type { metrics } from "@innerloop/train";

/** A mean over episodes with the half-width of its 95 % interval: `mean ± ci95`. */
export type Estimate = metrics.Estimate;

/** The half-width of a 95 % interval over clusters of examples, and how many they are. */
export interface ClusterInterval {
  readonly count: number;
  readonly ci95: number;
}
