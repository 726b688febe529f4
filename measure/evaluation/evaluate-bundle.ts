// Measuring an exported bundle, run through the runtime as a device runs it, on episodes of classes that it was never
// trained on.
import { setImmediate } from "node:timers/promises";
import { type Episode, enoughExamples, openTasks, somePictures, type TaskSource } from "@innerloop/train";
import { outsidersOf, shiftedEpisode } from "../episodes/held-back.ts";
import { noteOnPictures } from "../examples/unlike-pictures.ts";
import { BundleAnswers } from "./bundle-answers.ts";
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
  const { split: asked = "test", seed = 0, episodes = 600, transductive = false, shifts, signal } = options;
  const { naming = (setting) => setting, onNote, onEpisode } = options;
  const bundle = await BundleAnswers.open(folder, options);
  try {
    const { manifest } = bundle;
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
    const transductiveFile = transductive ? transductiveFileOf(manifest, naming) : undefined;
    const steps = stepsOf(options, manifest);
    const measurement = { ...shape, steps, split, inductive: !transductive };
    const scores = new EpisodeScores(manifest.confidence, tasks, measurement);
    const stepEpisodes = Math.min(episodes, stepEpisodesAtMost);
    const drawn = function* () {
      for (let i = 0; i < episodes && !signal?.aborted; i++) {
        const plain: Episode = tasks.episode(split, seed, i, shape);
        const others = transductive ? undefined : outsidersOf(tasks, split, seed, i, plain.classes);
        const whole = { ...plain, ...(others ? { outsiders: others } : {}) };
        const { outsiders, ...episode } = shifts
          ? shiftedEpisode(tasks, [seed, i], whole, { families: shifts })
          : whole;
        const asked = i < stepEpisodes ? Array.from({ length: steps + 1 }, (_, step) => step) : [steps];
        const { support, query } = episode;
        yield {
          episode,
          support,
          query: query.x,
          ways: shape.ways,
          steps: asked,
          outsiders,
          transductive: transductiveFile,
        };
      }
    };
    let done = 0;
    for await (const { question, answers } of bundle.each(drawn(), episodes)) {
      scores.add(question.episode, answers, done < stepEpisodes);
      onEpisode?.(++done, episodes);
      // One turn of the event loop an episode, so that signals and the progress bar are heard.
      await setImmediate();
      if (signal?.aborted) break;
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
      provider: bundle.provider.name,
      data: tasks.name,
      split,
      ...(parts.length > 1 ? { splits: parts } : {}),
      ...(shifts ? { shifts } : {}),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await bundle.dispose();
  }
}

/** Some pictures, of classes that are not measured where there are such. */
function someOf(tasks: TaskSource): Float32Array[] {
  const split = (["train", "val", "test"] as const).find((each) => tasks.classCount(each) > 0);
  return split === undefined ? [] : somePictures(tasks, split);
}
