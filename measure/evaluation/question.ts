// What a bundle is asked about an episode, and what it answers.
import type { Tensor } from "@innerloop/schemas";
import type { Episode } from "@innerloop/train";

/** What a bundle is asked. */
export interface Question extends Pick<Episode, "support"> {
  /** `[queries, …]` */
  readonly query: Tensor;
  /** Classes of the episode. */
  readonly ways: number;
  /** Numbers of inner steps, after each of which the queries are answered. */
  readonly steps: readonly number[];
  /** Examples of other classes, which are answered after the last of them; what confidence is judged by is told then as well. */
  readonly outsiders?: Tensor | undefined;
  /** The bundle's file that answers queries by their batch's own statistics, where that is asked for. */
  readonly transductive?: string | undefined;
}

/** Answers as logits `[n · ways]` (a regression: values `[n · outputs]`), in the order of the episode's labels. */
export interface Answers {
  readonly queries: Float32Array;
  /** To examples of other classes; of the last number of steps alone. */
  readonly outsiders: Float32Array;
  /** Of the support set, as `supportSpread` measures it; where the bundle's confidence goes by it. */
  readonly spread?: number;
}
