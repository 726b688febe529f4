// A run becomes a bundle: `export` and `quickstart` join what train and export each know.
import type { Manifest, RunConfig } from "@innerloop/schemas";
import type { RunResult } from "@innerloop/train";
import { version } from "./version.ts";

/** Fresh episodes that a bundle is verified on. */
const verifiedOn = 10;

/** What is needed of a run. */
export type FinishedRun = Pick<RunResult, "header" | "learner" | "tasks" | "weights">;

/**
 * Exports a run's best weights, verified against the engine that trained them.
 * @throws InnerloopError what export throws; then nothing is written
 */
export async function exportRun({ header, learner, tasks, weights }: FinishedRun, out: string): Promise<Manifest> {
  const [{ openReference }, { exportBundle }] = await Promise.all([
    import("@innerloop/train"),
    import("@innerloop/export"),
  ]);
  const { config, iteration } = header;
  const reference = await openReference(learner, weights, config.engine);
  try {
    const shape = { ways: tasks.kind === "regression" ? 1 : config.ways, shots: config.shots, queries: 3 };
    const episodes = Array.from({ length: verifiedOn }, (_, i) => tasks.episode("val", config.seed * 4 + 3, i, shape));
    return await exportBundle(learner, weights, {
      out,
      name: nameOf(config),
      ...(tasks.preprocessing ? { preprocessing: tasks.preprocessing } : {}),
      shots: config.shots,
      training: {
        data: config.data,
        seed: config.seed,
        iterations: iteration,
        tasksSeen: iteration * config.metaBatch,
        metaBatch: config.metaBatch,
        ways: config.ways,
        shots: config.shots,
      },
      ...(header.best ? { metrics: { validation: header.best.score } } : {}),
      producer: { name: "innerloop", version },
      verify: { episodes, engine: reference.engine, reference: reference.answer },
    });
  } finally {
    await reference.dispose();
  }
}

const nameOf = (config: RunConfig): string => config.preset ?? config.data.replace(/:.*$/, "");
