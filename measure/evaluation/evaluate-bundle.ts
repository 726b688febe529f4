// Measuring an exported bundle, run through the runtime as a device runs it, on episodes of classes that it was never
// trained on.
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Learner } from "@innerloop/runtime";
import { openSession } from "@innerloop/runtime/session";
import { type Episode, enoughExamples, openTasks, somePictures, type TaskSource } from "@innerloop/train";
import { outsidersOf, shiftedEpisode } from "../episodes/held-back.ts";
import { noteOnPictures } from "../examples/unlike-pictures.ts";
import { EpisodeScores } from "./episode-scores.ts";
import type { BundleEvaluation, EvaluationOptions } from "./evaluation.ts";
import { shapeWithin } from "./few-classes.ts";
import { checkEffects, checkFit, dataOf, partsOf, shapeOf, stepsOf, transductiveFileOf } from "./settings.ts";

/** The state after every number of steps is measured on this many episodes at most. */
const stepEpisodesAtMost = 100;

/**
 * Adapts a bundle to each episode's support set, and measures its answers to the queries.
 *
 * @param folder the bundle, or its address in a network
 * @returns means over episodes with 95 % intervals, and what they are worth in words
 * @throws InnerloopError what `Learner.load` and `openTasks` throw; with status 2: `wrong-data` where data and bundle do not fit,
 *   `bad-option`, `no-effect` or `missing-option` for what is asked for; the reason of the signal where that stops it
 * @example
 * const { accuracy, verdict } = await evaluateBundle("bundle", { episodes: 200, shots: 5 });
 */
export async function evaluateBundle(folder: string, options: EvaluationOptions = {}): Promise<BundleEvaluation> {
  const started = performance.now();
  const {
    split: asked = "test",
    seed = 0,
    episodes = 600,
    transductive = false,
    provider = "auto",
    pictures,
    shifts,
    signal,
  } = options;
  const { naming = (setting) => setting, onNote, onEpisode } = options;
  const learner: Learner = await Learner.load(folder, {
    provider,
    threads: 1,
    ...(pictures ? { pictures } : {}),
  });
  let transductiveSession: Awaited<ReturnType<typeof openSession>> | undefined;
  try {
    const { manifest } = learner;
    checkEffects(options, manifest, naming);
    const { preprocessing } = manifest.input;
    const spec = dataOf(options, manifest, naming);
    const { data: trained, split: before } = manifest.training ?? {};
    const sizes = shapeOf(options, manifest, naming);
    const opened = await openTasks(spec, {
      ...(preprocessing ? { preprocessing } : {}),
      // What was trained on is not measured on, however the training split it.
      ...(spec === trained && before ? { split: { as: before } } : {}),
    });
    for (const note of opened.notes ?? []) onNote?.(note);
    const unlike = spec === trained ? undefined : noteOnPictures(someOf(opened), manifest, naming);
    if (unlike) onNote?.(unlike);
    const { tasks: chosen, parts } = partsOf(opened, asked, naming);
    const { tasks, notes: small } = enoughExamples(chosen, sizes);
    const [split] = parts;
    checkFit(manifest, tasks);
    const { shape, notes: few } = shapeWithin(tasks, split, options, sizes);
    for (const note of [...small, ...few]) onNote?.(note);
    if (transductive)
      transductiveSession = await openSession(join(folder, transductiveFileOf(manifest, naming)), {
        provider: learner.provider,
        threads: 1,
      });
    const steps = stepsOf(options, manifest);
    const scores = new EpisodeScores({ learner, transductiveSession }, tasks, { ...shape, steps, split });
    const stepEpisodes = Math.min(episodes, stepEpisodesAtMost);
    for (let i = 0; i < episodes && !signal?.aborted; i++) {
      const plain: Episode = tasks.episode(split, seed, i, shape);
      const others = transductive ? undefined : outsidersOf(tasks, split, seed, i, plain.classes);
      const drawn = { ...plain, ...(others ? { outsiders: others } : {}) };
      const { outsiders, ...episode } = shifts ? shiftedEpisode(tasks, [seed, i], drawn, { families: shifts }) : drawn;
      await scores.add(episode, { everyStep: i < stepEpisodes, outsiders });
      onEpisode?.(i + 1, episodes);
      // One turn of the event loop an episode, so that signals and the progress bar are heard.
      await setImmediate();
    }
    signal?.throwIfAborted();
    return {
      ...scores.results(options.data === undefined ? opened.classCount("train") : undefined),
      stepEpisodes,
      inductive: !transductive,
      episodes,
      ...shape,
      innerSteps: steps,
      seed,
      provider: learner.provider.name,
      data: tasks.name,
      split,
      ...(parts.length > 1 ? { splits: parts } : {}),
      ...(shifts ? { shifts } : {}),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await transductiveSession?.dispose();
    await learner.dispose();
  }
}

/** Some pictures, of classes that are not measured where there are such. */
function someOf(tasks: TaskSource): Float32Array[] {
  const split = (["train", "val", "test"] as const).find((each) => tasks.classCount(each) > 0);
  return split === undefined ? [] : somePictures(tasks, split);
}
