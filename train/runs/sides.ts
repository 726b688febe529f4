// The runs beside a run: each in a folder of its own in the run's, so that they go on where they were stopped.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Preprocessing, Tensor } from "@innerloop/schemas";
import { estimate } from "../metrics.ts";
import { firstWeights, type StartBundle } from "../start/index.ts";
import { checkpointFile, readCheckpoint } from "./checkpoint.ts";
import { bestOf, type Comparison, estimates, type Start } from "./comparison.ts";
import type { RunOptions, RunResult } from "./options.ts";
import type { Plan, SideRun } from "./plan.ts";
import { worthOf } from "./worth.ts";

/** What the runs beside a run came to. */
export interface Sides {
  /** Stopped by the signal before all were over. */
  readonly stopped: boolean;
  /** By folds: on all classes. */
  readonly comparison?: Comparison;
  /** On the run's own validation: the start from nothing. */
  readonly fromNothing?: { readonly score: number; readonly ci95: number; readonly weights: RunResult["weights"] };
}

/** What a run beside another is asked for. */
export interface SideOptions extends RunOptions {
  /** How files become examples, as the other run has it. */
  readonly preprocessing?: Preprocessing;
  /** The other run has begun from the start that they found the best one, which longer runs must not gainsay: they stay as long as they were. */
  readonly settled?: boolean;
}

/** @param run what runs a config: the function of which this is a part */
export async function runSides(
  plan: Plan,
  options: SideOptions,
  start: StartBundle | undefined,
  run: (options: SideOptions) => Promise<RunResult>,
): Promise<Sides> {
  const { signal } = options;
  const scores: Partial<Record<Start, number[]>> = {};
  const nearest: number[] = [];
  let ways = Number.POSITIVE_INFINITY;
  for (const side of plan.sides) {
    options.onPart?.(side.title);
    const result = await run(await optionsOf(side, options));
    if (result.stopped || signal?.aborted) return { stopped: true };
    const { header, learner, tasks, weights } = result;
    if (plan.folds === undefined) {
      const { score = 0, iteration } = header.best ?? { iteration: 0 };
      const ci95 = header.history.find((entry) => entry.iteration === iteration)?.ci95 ?? 0;
      return { stopped: false, fromNothing: { score, ci95, weights } };
    }
    const own: Start = side.start === "bundle" ? "trainedOn" : "fromNothing";
    const tried: [Start, Readonly<Record<string, Tensor>>][] = [[own, weights]];
    if (side.start === "bundle" && start) tried.push(["asItIs", firstWeights(learner, weights, start).weights]);
    const all = tried.map(([, weights]) => weights);
    const worth = await worthOf(learner, tasks, side.config, all, signal);
    if (signal?.aborted) return { stopped: true };
    tried.forEach(([name], i) => {
      scores[name] = [...(scores[name] ?? []), ...worth.scores[i]!];
    });
    if (own === "trainedOn" || !start) nearest.push(...worth.nearest);
    ways = Math.min(ways, side.config.ways, tasks.classCount("test"));
  }
  if (plan.folds === undefined) return { stopped: false };
  const found = estimates(scores);
  return {
    stopped: false,
    comparison: {
      scores: found,
      nearestNeighbour: estimate(nearest),
      best: bestOf(found),
      on: `classes that were held back, ${plan.folds} folds in turn, ${ways} ways`,
    },
  };
}

async function optionsOf({ folder, config, start }: SideRun, options: SideOptions): Promise<SideOptions> {
  const { out, signal, engine, from, tasks, preprocessing, onProgress, onValidating } = options;
  const own = out === undefined ? undefined : join(out, folder);
  const resume = own !== undefined && existsSync(checkpointFile(own));
  return {
    config: resume && options.settled ? (await readCheckpoint(own)).header.config : config,
    ...(own === undefined ? {} : { out: own, resume }),
    ...(signal ? { signal } : {}),
    ...(engine ? { engine } : {}),
    ...(from && start === "bundle" ? { from } : {}),
    // Folds open the data anew, to split them in another way.
    ...(tasks && config.folds === undefined ? { tasks } : {}),
    ...(preprocessing ? { preprocessing } : {}),
    ...(onProgress ? { onProgress: (progress) => onProgress(progress) } : {}),
    ...(onValidating ? { onValidating: (progress) => onValidating(progress) } : {}),
  };
}
