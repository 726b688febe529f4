// A whole training run from a config: its folder, its data and its trainer, the loop over them, and what is left of it where
// something goes wrong.
import { InnerloopError, type RunConfig, sizeOf } from "@innerloop/schemas";
import { isSpec, type OpenTasksOptions, type TaskSource } from "../data/index.ts";
import { isModelFile, models, notesOnWeights } from "../models/index.ts";
import { firstWeights, fromNothing, preprocessingFrom, readStart, type StartBundle } from "../start/index.ts";
import { MetaTrainer } from "../trainer/meta-trainer.ts";
import type { MetaTrainerOptions } from "../trainer/reports.ts";
import { type Checkpoint, checkpointFile, readCheckpoint } from "./checkpoint.ts";
import { bestOf, type Comparison, comparisonText } from "./comparison.ts";
import { knownTasks, learnerOf, tasksOf } from "./data.ts";
import { RunEpisodes } from "./episodes.ts";
import { asDecided, fittedTo } from "./fitted.ts";
import { enoughExamples, notesOnHeldBack } from "./held-back.ts";
import { keepEpisodes } from "./kept-episodes.ts";
import { type RunSetup, TrainingLoop } from "./loop.ts";
import type { RunOptions, RunResult, RunStart } from "./options.ts";
import { planOf } from "./plan.ts";
import { runRecovering } from "./recovery.ts";
import { checkResumable, checkSameTasks, describeTasks } from "./resume.ts";
import { holdRun } from "./run-folder.ts";
import { runSides, type SideOptions, type Sides } from "./sides.ts";

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

async function train(asked: SideOptions, before: Checkpoint | undefined): Promise<RunResult> {
  const { out } = asked;
  const from = asked.from ?? asked.config.from;
  const start = from === undefined ? undefined : await readStart(from);
  const made = madeAs(asked, start);
  const known = before && knownTasks(before.header, asked.config);
  const opened = asked.tasks ?? (await tasksOf(asked.config, known, made, asked.onRead));
  const { tasks, notes: small } = enoughExamples(opened, asked.config);
  const { config, notes } = before ? { config: asked.config, notes: [] } : fittedTo(asked.config, tasks);
  const options = { ...asked, config };
  // What was found is told also where too little of it is left.
  for (const note of [...(tasks.notes ?? []), ...small]) options.onMessage?.(note);
  const setup = await setUp(options, tasks, before, start !== undefined || startsFromDistances(config));
  const { learner } = setup;
  const plan = planOf(config, tasks);
  const { kind, weights } = config.model;
  const ofFile = !before && !start && isModelFile(kind) && weights === undefined;
  const told = [
    ...notes,
    ...(ofFile ? notesOnWeights(kind, learner.parameters) : []),
    ...notesOnHeldBack(tasks, config),
    ...plan.notes,
  ];
  for (const note of told) options.onMessage?.(note);
  const trainerOptions = trainerOptionsOf(options);
  const trainer = await MetaTrainer.create(learner, trainerOptions);
  const anew = await trainer.weights();
  if (start && !before) {
    const first = firstWeights(learner, anew, start);
    for (const note of first.notes) options.onMessage?.(note);
    trainer.restore({ steps: 0, tensors: first.weights });
  }
  const loop = new TrainingLoop(setup, options, trainer, before);
  try {
    options.onStart?.(startOf(loop, setup));
    // What to go on from is there from the start.
    if (!before) await loop.save();
    if (out !== undefined && !before && !isSpec(tasks.name)) await keepEpisodes(out, tasks, config);
    const beside = {
      ...options,
      tasks,
      ...(tasks.preprocessing ? { preprocessing: tasks.preprocessing } : {}),
      settled: start !== undefined && plan.folds !== undefined && loop.iteration > 0,
    };
    const sides = await runSides(plan, beside, start, runTraining);
    if (sides.stopped) return resultOf(loop, { learner, tasks, stopped: true });
    if (sides.comparison) options.onMessage?.(comparisonText(sides.comparison));
    const best = sides.comparison?.best;
    if (start && best === "fromNothing") {
      const others = { ...options, config: fromNothing(config) };
      await loop.trainer.dispose();
      loop.goOnWith(await MetaTrainer.create(learner, trainerOptionsOf(others)));
      if (loop.iteration === 0) loop.trainer.restore({ steps: 0, tensors: anew });
    }
    if (plan.sides.length > 0) options.onPart?.(undefined);
    loop.begin(best === "asItIs" ? 0 : plan.share);
    await runRecovering(loop, {
      onDeviceLost: config.onDeviceLost,
      ...(out === undefined ? {} : { out }),
      learner,
      trainerOptions,
      onMessage: (message) => options.onMessage?.(message),
    });
    const comparison = sides.comparison ?? (await keepBest(loop, sides, config));
    return resultOf(loop, { learner, tasks, stopped: !loop.finished, ...(comparison ? { comparison } : {}) });
  } catch (error) {
    throw out === undefined ? error : await withWhatIsKept(error, loop, out);
  } finally {
    await loop.trainer.dispose().catch(() => {});
  }
}

/** How files become examples: as another run has it, or as a bundle, whose pictures these are then to look like. */
function madeAs(
  { preprocessing, config }: SideOptions,
  start: StartBundle | undefined,
): Pick<OpenTasksOptions, "preprocessing" | "like"> {
  const own = preprocessing ?? (start && preprocessingFrom(start, config.examples));
  const like = preprocessing ? undefined : start?.manifest.input.content;
  return { ...(own ? { preprocessing: own } : {}), ...(like ? { like } : {}) };
}

/** Whether its model begins as good as distances of the input, so that the start may stay the best. */
const startsFromDistances = ({ model: { kind, residual } }: RunConfig): boolean =>
  residual === true && "residual" in models.named(kind).options;

const resultOf = (
  loop: TrainingLoop,
  rest: Pick<RunResult, "learner" | "tasks" | "stopped" | "comparison">,
): RunResult => ({ ...rest, weights: loop.checkpoint!.best, header: loop.checkpoint!.header });

/** Compares a run that started from a bundle with what it started from, and with the start from nothing; the best weights are kept. */
async function keepBest(
  loop: TrainingLoop,
  { fromNothing: other }: Sides,
  config: RunConfig,
): Promise<Comparison | undefined> {
  if (!other || !loop.finished) return undefined;
  const { history, tasks } = loop.checkpoint!.header;
  const entries = history.map(({ iteration, score = 0, ci95 = 0 }) => ({ iteration, mean: score, ci95 }));
  const asItIs = entries.find(({ iteration }) => iteration === 0);
  const [first, ...others] = entries.filter(({ iteration }) => iteration > 0);
  if (!asItIs || !first) return undefined;
  const trainedOn = others.reduce((best, each) => (each.mean > best.mean ? each : best), first);
  const scores = { asItIs, trainedOn, fromNothing: { mean: other.score, ci95: other.ci95 } };
  const best = bestOf(scores);
  if (best === "fromNothing") await loop.keep(other.score, other.weights);
  const ways = Math.min(config.ways, tasks?.heldBack?.classes ?? config.ways);
  return { scores, best, on: `classes that were held back for validation, ${ways} ways` };
}

/** @throws InnerloopError where config, data and checkpoint do not go together */
async function setUp(
  { config, out }: RunOptions,
  tasks: TaskSource,
  before: Checkpoint | undefined,
  validatesStart: boolean,
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
  return { config, learner, tasks: described, episodes, validatesStart };
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
    ...(config.innerLoop === undefined ? {} : { innerLoop: config.innerLoop }),
    onMessage: (message) => options.onMessage?.(message),
  };
}

function startOf({ trainer, iteration }: TrainingLoop, { config, learner, tasks, episodes }: RunSetup): RunStart {
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
    heldBack: tasks.kind === "regression" || (tasks.heldBack?.classes ?? 0) >= 2,
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
