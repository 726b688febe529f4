// Which strategy suits a learner on an engine: all tasks in one graph, or worker threads, and how many.
import { availableParallelism } from "node:os";
import type { Learner } from "@innerloop/graph";
import { sizeOf } from "@innerloop/schemas";
import { type Engine, engineNamed, enginesFor } from "../engines/index.ts";
import { OneGraph } from "./one-graph.ts";
import { OverThreads } from "./over-threads.ts";
import type { MetaTrainerOptions } from "./reports.ts";
import type { StepGraphs } from "./step-graphs.ts";
import type { Strategy } from "./strategy.ts";

/** Models of up to this many weights run fastest with many tasks in one graph; larger ones task by task over threads. */
const smallModel = 20_000;

/** A thread with fewer tasks of a small model than this costs more in messages than it saves. */
const leastShare = 8;

/** Whether a learner's tasks run fastest many in one graph, rather than one by one. */
export const prefersOneGraph = (learner: Learner): boolean => {
  const weights = Object.values(learner.parameters).reduce((total, { shape }) => total + sizeOf(shape), 0);
  return weights <= smallModel;
};

/** How many threads are wanted where the engine turns out to be the one that runs in threads. */
export function threadsWanted(
  learner: Learner,
  { engine = "auto", workers, tasks }: Pick<MetaTrainerOptions, "engine" | "workers" | "tasks">,
): number {
  if (typeof engine !== "string" || !enginesFor(engine).some(({ traits }) => traits.workers)) return 0;
  return workers ?? usefulThreads(learner, tasks);
}

/** Threads on a processor: small models take some only where each has enough tasks to be worth its messages. */
function usefulThreads(learner: Learner, tasks = 0): number {
  const cores = availableParallelism();
  if (!prefersOneGraph(learner)) return cores;
  const useful = Math.min(cores, Math.floor(tasks / leastShare));
  return useful > 1 ? useful : 0;
}

/** How many threads an engine gets of those that are wanted. */
export const threadsOn = ({ name, portable }: Engine, wanted: number): number =>
  portable && engineNamed(name)?.traits.workers ? wanted : 0;

/** @param options where `workers` is given, so many threads take part in every step; else as many as it pays for */
export function strategyOn(
  engine: Engine,
  graphs: StepGraphs,
  threads: number,
  options: Pick<MetaTrainerOptions, "workers">,
  say: (message: string) => void,
): Strategy {
  return threads > 0
    ? new OverThreads(engine, graphs, {
        workers: threads,
        fixed: options.workers !== undefined,
        together: prefersOneGraph(graphs.learner),
      })
    : new OneGraph(engine, graphs, say);
}
