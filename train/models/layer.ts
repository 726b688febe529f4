// What a layer is.
import type { ParameterSpec, Parameters, Shape, Value } from "@innerloop/graph";

/** Statistics of a batch that one pass leaves for another: those of the support set, for queries. */
export interface Pass {
  /** Statistics to use, by parameter-like name. */
  readonly given?: Parameters;
  /** Where to put the statistics of this pass. */
  readonly seen?: Record<string, Value>;
}

/** A layer with parameters. */
export interface Layer {
  /** What its parameters are called, with a number: `conv` gives `conv1.weight`. */
  readonly name: string;
  /** Its parameters, given the shape of what comes in (batch axis first). */
  parameters(input: Shape): Readonly<Record<string, ParameterSpec>>;
  /** @param p its parameters by their short names; @param where its full name, for statistics */
  apply(x: Value, p: Parameters, pass: Pass, where: string): Value;
  /** It normalizes by statistics over examples. */
  readonly mixesExamples?: boolean;
  /** The shape of one example, where the layer itself says it. */
  readonly inputShape?: readonly number[];
}

/** A layer, or a function over values that has no parameters. */
export type LayerLike = Layer | ((x: Value) => Value);
