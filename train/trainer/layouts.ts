// How the tasks of a step are laid out over a processor: worker threads, and threads within a task's graph.
import { keepLayout, keptLayout, type Layout, layoutsAreKept } from "../engines/index.ts";
import { quickest } from "./quickest.ts";

/** What a step is. */
export interface Work {
  readonly tasks: number;
  /** The most threads that may compute at once. */
  readonly most: number;
  /** Tasks of small models run many in one graph: as many graphs as there are workers. */
  readonly together: boolean;
  /** All else that its time depends on. */
  readonly sizes: unknown;
}

/** The layouts that are worth trying, those that take the least of the machine first; and the one that is taken untried. */
function layoutsOf({ tasks, most, together }: Omit<Work, "sizes">): {
  ways: [Layout, ...Layout[]];
  usual: Layout;
} {
  const usual = { workers: Math.min(most, tasks), threads: 1 };
  if (together) return { ways: usual.workers > 1 ? [{ workers: 1, threads: 1 }, usual] : [usual], usual };
  // Cores that have no task of their own may help with another's.
  const threads = Math.floor(most / usual.workers);
  return { ways: threads > 1 ? [usual, { ...usual, threads }] : [usual], usual };
}

/**
 * The layout that is quick: as an earlier process found, or as it is found now by doing the step in each way. Where nothing can be kept
 * nothing is timed, so that equal runs are equal to the last bit: sums of other layouts are added in another order.
 * @param step does it; what comes out is of no use
 */
export async function layoutFor(work: Work, step: (layout: Layout) => Promise<unknown>): Promise<Layout> {
  const { ways, usual } = layoutsOf(work);
  if (ways.length === 1 || !layoutsAreKept()) return usual;
  const known = keptLayout(work, ways);
  if (known) return known;
  try {
    const found = await quickest(ways, step);
    await keepLayout(work, found);
    return found;
  } catch {
    // Some layout needs more memory than there is, say. What is wrong with the usual one the step itself will tell.
    return usual;
  }
}
