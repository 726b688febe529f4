// What a head is: where the last linear layer starts at each task, and what follows from that.
import type { ParameterSpec, Parameters, Value } from "@innerloop/graph";
import type { RunConfig } from "@innerloop/schemas";

export interface Head {
  readonly name: RunConfig["head"];
  /** Where it starts, in a few words. */
  readonly summary: string;
  /** Whether its weights are learned; it has a fixed number of outputs then, and else any number of classes. */
  readonly learned: boolean;
  /** Where it starts, as words in an error: "at zero". */
  readonly starts: string;
  /** The spec of one of its arrays, where these are learned. */
  parameter?(spec: ParameterSpec, task: "classification" | "regression"): ParameterSpec;
  /** The features that it sees, of those that the body makes. */
  features(body: Value): Value;
  /** Its weights at the start of a task, from the features of the support set and their one-hot labels. */
  start?(features: () => Value, hot: Value, count: number): Parameters;
  /** Logits that say how far the nearest class is, where it has such. */
  absolute?(logits: Value, features: Value): Value;
  /**
   * λ of guarded steps on the head alone: how much they hold on to the start, which is good already; their rates are then
   * bounded, so that no step is too long.
   */
  readonly decay?: number;
}
