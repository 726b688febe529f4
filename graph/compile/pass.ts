// What a pass of the compiler is, and who may leave it out.

import type { Subgraph, Value } from "../core/value.ts";
import type { Target } from "../lowering/lower.ts";

/** What a pass knows besides the graph. */
export interface PassContext {
  readonly target: Target;
  /** The names of what is left out, ways of `forms` among them. */
  readonly without: readonly string[];
  /** Compiles a graph inside a node, once. */
  readonly inside: (graph: Subgraph) => Subgraph;
}

/** One step between a graph and what an engine runs: the same values out of other nodes. */
export interface Pass {
  /** By which it is switched off and printed. */
  readonly name: string;
  /** What it does and why that pays: a paragraph. */
  readonly why: string;
  /** Whether any target is the better for it; others say so themselves (`Target.suits`). */
  readonly everywhere: boolean;
  /** Whether a graph cannot be run without it; it is never left out then. */
  readonly needed?: boolean;
  /** The same values; the list itself where there is nothing to do. */
  run(outputs: readonly Value[], context: PassContext): readonly Value[];
}
