// A whole training run from a config: its folder, its data and its trainer, the loop over them, and what is left of it where
// something goes wrong.
import { InnerloopError, sizeOf } from "@innerloop/schemas";
import { isSpec, type TaskSource } from "../data/index.ts";
import { MetaTrainer } from "../trainer/meta-trainer.ts";
import type { MetaTrainerOptions } from "../trainer/reports.ts";
import { type Checkpoint, checkpointFile, readCheckpoint } from "./checkpoint.ts";
import { knownTasks, learnerOf, tasksOf } from "./data.ts";
import { RunEpisodes } from "./episodes.ts";
import { asDecided, fittedTo } from "./fitted.ts";
import { keepEpisodes } from "./kept-episodes.ts";
import { type RunSetup, TrainingLoop } from "./loop.ts";
import type { RunOptions, RunResult, RunStart } from "./options.ts";
import { runRecovering } from "./recovery.ts";
import { checkResumable, checkSameTasks, describeTasks } from "./resume.ts";
import { holdRun } from "./run-folder.ts";

/**
 * Runs a config to its end, or goes on with a run that was stopped. The run's folder is tried first, and nobody else writes
 * to it meanwhile.
 * @throws InnerloopError `run-exists`, `run-missing`, `other-run` (status 2) where the call does not fit what is there;
 *   `run-in-use`, `write-failed`; `diverged`, `device-lost`, `worker-failed`, after which the run can go on from what it saved
 */
export async function runTraining(options: RunOptions): Promise<RunResult> {
  const { out, resume = false } = options;
  if (out === undefined) return train(options, undefined);
  const release = await holdRun(out, resume);
  try {
    const before = resume ? await readCheckpoint(out) : undefined;
    if (!before) return await train(options, undefined);
    const config = asDecided(options.config, before.header.config);
    checkResumable(out, before.header.config, config);
    return await train({ ...options, config }, before);
  } finally {
    await release();
  }
}

async function train(asked: RunOptions, before: Checkpoint | undefined): Promise<RunResult> {
  const { out } = asked;
  const tasks = asked.tasks ?? (await tasksOf(asked.config, before && knownTasks(before.header, asked.config)));
  const { config, notes } = before ? { config: asked.config, notes: [] } : fittedTo(asked.config, tasks);
  const options = { ...asked, config };
  for (const note of [...(tasks.notes ?? []), ...notes]) options.onMessage?.(note);
  const setup = await setUp(options, tasks, before);
  const { learner } = setup;
  const trainerOptions = trainerOptionsOf(options);
  const loop = new TrainingLoop(setup, options, await MetaTrainer.create(learner, trainerOptions), before);
  try {
    options.onStart?.(startOf(loop, setup));
    // What to go on from is there from the start.
    if (!before) await loop.save();
    if (out !== undefined && !before && !isSpec(tasks.name)) await keepEpisodes(out, tasks, config);
    await runRecovering(loop, {
      onDeviceLost: config.onDeviceLost,
      ...(out === undefined ? {} : { out }),
      learner,
      trainerOptions,
      onMessage: (message) => options.onMessage?.(message),
    });
    const { header, best } = loop.checkpoint!;
    return { learner, tasks, weights: best, header, stopped: !loop.finished };
  } catch (error) {
    throw out === undefined ? error : await withWhatIsKept(error, loop, out);
  } finally {
    await loop.trainer.dispose().catch(() => {});
  }
}

/** @throws InnerloopError where config, data and checkpoint do not go together */
async function setUp(
  { config, out }: RunOptions,
  tasks: TaskSource,
  before: Checkpoint | undefined,
): Promise<RunSetup> {
  const learner = learnerOf(config, tasks);
  if (tasks.kind === "classification" && config.ways < 2)
    throw new InnerloopError(
      "bad-option",
      `ways is ${config.ways} (--ways), but a task of ${tasks.name} tells classes apart; give 2 or more.`,
      { exitStatus: 2 },
    );
  const episodes = await RunEpisodes.of(config, tasks);
  const described = describeTasks(tasks, episodes.validation);
  if (out !== undefined && before) checkSameTasks(out, before.header, described);
  return { config, learner, tasks: described, episodes };
}

function trainerOptionsOf(options: RunOptions): MetaTrainerOptions {
  const { config, engine = config.engine } = options;
  return {
    optimizer: config.optimizer,
    schedule: config.schedule,
    clip: config.clip,
    seed: config.seed,
    engine,
    tasks: config.metaBatch,
    multiStepLoss: config.multiStepLoss,
    ...(config.workers === undefined ? {} : { workers: config.workers }),
    ...(config.precision === undefined ? {} : { precision: config.precision }),
    onMessage: (message) => options.onMessage?.(message),
  };
}

function startOf({ trainer, iteration }: TrainingLoop, { config, learner, episodes }: RunSetup): RunStart {
  const { engine, reason, rejected } = trainer.engine;
  const sizes = Object.values(learner.parameters).map(({ shape }) => sizeOf(shape));
  return {
    config,
    task: learner.task,
    engine: engine.name,
    reason,
    rejected,
    strategy: trainer.strategy,
    bytes: process.memoryUsage().rss + trainer.bytesFor(config.metaBatch, [episodes.first]),
    parameters: sizes.reduce((total, size) => total + size, 0),
    iteration,
  };
}

/** Whatever went wrong, what was learned before it is not lost: it is saved, and the error says where. */
async function withWhatIsKept(error: unknown, loop: TrainingLoop, out: string): Promise<unknown> {
  if (error instanceof InnerloopError && ["write-failed", "device-lost"].includes(error.code)) return error;
  const saved = await loop.save().then(
    () => true,
    () => false,
  );
  if (!saved || !(error instanceof InnerloopError)) return error;
  const words = error.code === "diverged" ? "The last good weights are" : `Iteration ${loop.savedIteration} is saved`;
  return new InnerloopError(error.code, `${error.message} ${words} in ${checkpointFile(out)}.`, {
    cause: error,
    exitStatus: error.exitStatus,
  });
}
