// A graph inside a node (the body of a Loop or Scan, a branch of an If) as the reader of that node sees it: a function that may
// also read what the graphs around it know.
import type { DType, NumericName } from "@innerloop/schemas";
import type { Dim } from "../../core/dims.ts";
import type { Value } from "../../core/value.ts";
import type { Entry } from "./entry.ts";

/** What a file says of an input of a subgraph; mostly nothing, since it follows from what is given to it. */
export interface SubgraphInput {
  readonly name: string;
  readonly dtype: DType | undefined;
  /** Its element type in the file, such as float16, whose numbers the dtype holds. */
  readonly element: NumericName | undefined;
  /** Undefined where the number of axes is not said; a size that is not said is undefined. */
  readonly shape: readonly (Dim | undefined)[] | undefined;
}

/**
 * The graph. For the body of a core `Loop`, make its parameters with `input`, give them to `values`, and take what comes out
 * as its results: values of the graphs around are in there as they are, and weights as inputs of the whole graph.
 */
export interface Subgraph {
  readonly inputs: readonly SubgraphInput[];
  readonly outputs: readonly string[];
  /**
   * What it gives for these inputs, in order; sizes that are open stay sizes. It is built at each call, so ask once where once is enough.
   * @throws InnerloopError where it has another number of inputs, or cannot be read
   */
  entries(inputs: readonly Entry[]): readonly Entry[];
  /** The same as values. */
  values(inputs: readonly Entry[]): readonly Value[];
}
