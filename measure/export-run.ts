// A run becomes a bundle: the one place that joins what train and export each know.
import { exportBundle, placeFor } from "@innerloop/export";
import type { Manifest } from "@innerloop/schemas";
import {
  contentOfTasks,
  heldBackEpisodes,
  openReference,
  type RunResult,
  verificationEpisodes,
} from "@innerloop/train";
import { calibrationEpisodes, shiftedEpisode } from "./episodes/held-back.ts";
import { version } from "./version.ts";

/** How a run is exported. */
export interface ExportRunOptions {
  /** False: the manifest says nothing of confidence. */
  readonly calibrate?: boolean;
  /** The share of examples of other classes that "none of these" may let pass; 0.05 unless given. */
  readonly falseAccepts?: number;
  /** Providers of ONNX Runtime that get an adapt.onnx of their own: `cuda`, `webgpu`, `dml`. */
  readonly variants?: readonly string[];
  /** Stops it: nothing is left behind, and its reason is thrown. */
  readonly signal?: AbortSignal;
  onCalibration?(done: number, all: number): void;
}

/** What is needed of a run; `runTraining` and `openRun` give it. */
export type FinishedRun = Pick<RunResult, "header" | "learner" | "tasks" | "weights">;

/**
 * Exports a run's best weights as a bundle, with its preprocessing and what is known of the training in the manifest,
 * verified on fresh episodes of held-back classes against the engine that trained them, and calibrated on others of them.
 *
 * Without further held-back classes, as of a run that keeps only a few episodes of a program's data, it is not calibrated.
 *
 * @param out the bundle's folder; a bundle that is there already is replaced
 * @returns the manifest as written
 * @throws InnerloopError `bad-option` for variants that there are not; `verification-failed`, `folder-taken`, `write-failed`: then nothing is written;
 *   `engine-unavailable` where the run's engine is not there
 * @example
 * const run = await runTraining({ config: completeConfig({ preset: "quickstart", minutes: 2 }) });
 * const manifest = await exportRun(run, "bundle");
 */
export async function exportRun(
  { header, learner, tasks, weights }: FinishedRun,
  out: string,
  { calibrate = true, falseAccepts, variants, signal, onCalibration }: ExportRunOptions = {},
): Promise<Manifest> {
  const { config, iteration } = header;
  const { ways } = heldBackEpisodes(tasks, config).shape;
  const heldBack = tasks.kind === "regression" || header.tasks?.heldBack?.classes !== 0;
  await placeFor(out);
  const reference = await openReference(learner, weights, config.engine);
  try {
    const episodes = verificationEpisodes(tasks, config);
    const content = contentOfTasks(tasks);
    return await exportBundle(learner, weights, {
      out,
      name: config.preset ?? tasks.name.replace(/:.*$/, ""),
      ...(tasks.preprocessing ? { preprocessing: tasks.preprocessing } : {}),
      ...(content ? { content } : {}),
      shots: config.shots,
      training: {
        data: tasks.name,
        seed: config.seed,
        iterations: iteration,
        tasksSeen: iteration * config.metaBatch,
        metaBatch: config.metaBatch,
        ways: config.ways,
        shots: config.shots,
        model: config.model,
        ...(config.from === undefined ? {} : { from: config.from }),
        ...(header.tasks?.split ? { split: header.tasks.split } : {}),
      },
      ...(header.best && heldBack ? { metrics: { validation: header.best.score } } : {}),
      producer: { name: "innerloop", version },
      ...(variants ? { variants } : {}),
      ...(signal ? { signal } : {}),
      verify: { episodes, engine: reference.engine, reference: reference.answer },
      ...(calibrate && tasks.kind === "classification" && tasks.classCount("val") >= 2
        ? {
            calibrate: {
              ways,
              shots: config.shots,
              episode: calibrationEpisodes(tasks, config.seed * 4 + 3),
              shift: (episode, index) => shiftedEpisode(tasks, [config.seed, index], episode),
              ...(falseAccepts === undefined ? {} : { falseAccepts }),
              ...(onCalibration ? { onProgress: onCalibration } : {}),
            },
          }
        : {}),
    });
  } finally {
    await reference.dispose();
  }
}
