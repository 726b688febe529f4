// A choice between two graphs for whoever has none inside nodes: both are computed, and one is taken.
import { zip } from "../core/lists.ts";
import { If } from "../ops/branch.ts";
import { Where } from "../ops/comparison.ts";
import { applied } from "../transforms/subgraph.ts";
import { lowering } from "./lower.ts";

/** An If whose branches are both computed. */
export const bothBranches = lowering(If, ([condition, ...captured], { holds, otherwise }) =>
  zip(applied(holds, captured), applied(otherwise, captured), (a, b) => Where(condition, a, b)),
);
