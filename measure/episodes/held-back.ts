// Episodes together with examples of classes that are not in them: what "none of these" is fitted and measured on.
import type { CalibrationEpisode, EpisodeSize } from "@innerloop/export";
import { InnerloopError, type Tensor } from "@innerloop/schemas";
import { drawShift, type ExampleTensors, random, type Split, type TaskSource } from "@innerloop/train";

/** Classes that are drawn beside an episode, where there are as many. */
const otherClasses = 30;

/** Queries of each class in calibration. */
const calibrationQueries = 3;

/** A number of its own for the stream of shifts. */
const shiftStream = 0x5ca1e;

/**
 * An episode with its outsiders as they would be in another world, the same for all of its examples: what the calibration of
 * a bundle takes as `shift`.
 *
 * @param tasks that the episode is of
 * @param index the shift depends on it and the seed alone
 * @param episode arrays as `tasks` has them; they are not changed
 * @param options which shifts; those of the training, one to three of them at random strengths, unless given
 * @throws InnerloopError (status 2) for a family of shifts that there is not, or that these data cannot have
 */
export function shiftedEpisode<E extends CalibrationEpisode>(
  tasks: TaskSource,
  [seed, index]: readonly [seed: number, index: number],
  { support, query, outsiders, ...rest }: E,
  options: Parameters<typeof drawShift>[3] = {},
): E {
  const { apply } = drawShift(tasks, random(shiftStream, seed, index), support.x, options);
  return {
    ...rest,
    support: { ...support, x: apply(support.x) },
    query: { ...query, x: apply(query.x) },
    ...(outsiders ? { outsiders: apply(outsiders) } : {}),
  } as E;
}

/**
 * Episodes of held-back classes (the split `val`), each with examples of further ones, for the calibration of a bundle:
 * what `exportBundle` takes as `calibrate.episode`.
 *
 * @param seed equal seeds give equal episodes
 * @returns a function of an episode's size and number; it gives nothing where there are not enough classes or examples
 */
export const calibrationEpisodes =
  (tasks: TaskSource, seed: number) =>
  (size: EpisodeSize, index: number): CalibrationEpisode | undefined => {
    if (size.ways > tasks.classCount("val")) return undefined;
    try {
      const episode = tasks.episode("val", seed, index, { ...size, queries: calibrationQueries });
      const outsiders = outsidersOf(tasks, "val", seed, index, episode.classes);
      return outsiders ? { ...episode, outsiders } : episode;
    } catch (cause) {
      if (cause instanceof InnerloopError && cause.code === "too-few-examples") return undefined;
      throw cause;
    }
  };

/**
 * One example each of classes of a split that are not in an episode of it. They are drawn by themselves, so that the episode
 * is what it is without them.
 *
 * @param classes of the episode
 * @returns nothing where the split has no others, or classes have no names
 */
export function outsidersOf(
  tasks: TaskSource,
  split: Split,
  seed: number,
  index: number,
  classes: readonly string[] = [],
): Tensor | undefined {
  if (classes.length === 0 || classes.length >= tasks.classCount(split)) return undefined;
  const ways = Math.min(otherClasses, tasks.classCount(split));
  // A stream of its own: no one gives a seed below 0.
  const drawn = tasks.episode(split, -1 - seed, index, { ways, shots: 1, queries: 1 });
  const outsiders = chosen(drawn.support, (label) => !classes.includes(drawn.classes![label]!)).x;
  return outsiders.data.length > 0 ? outsiders : undefined;
}

/** The examples with some labels. */
function chosen({ x, y }: ExampleTensors, wanted: (label: number) => boolean): ExampleTensors {
  const rows = [...y.data.keys()].filter((row) => wanted(Number(y.data[row])));
  const size = x.data.length / y.data.length;
  const data = new Float32Array(rows.length * size);
  for (const [to, from] of rows.entries())
    data.set((x.data as Float32Array).subarray(from * size, (from + 1) * size), to * size);
  return {
    x: { dtype: "float32", shape: [rows.length, ...x.shape.slice(1)], data },
    y: { dtype: "int32", shape: [rows.length], data: Int32Array.from(rows, (row) => Number(y.data[row])) },
  };
}
