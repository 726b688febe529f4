// Episodes together with examples of classes that are not in them: what "none of these" is fitted and measured on.

import type { CalibrationEpisode, EpisodeSize } from "@innerloop/export";
import { InnerloopError, type Tensor } from "@innerloop/schemas";
import type { Examples, Split, TaskSource } from "@innerloop/train";

/** Other classes that are drawn beside an episode, where there are as many. */
const otherClasses = 30;

/** Queries of each class of an episode in calibration. One example is taken of each other class: other classes tell more. */
const calibrationQueries = 3;

/** Episodes of held-back classes for the calibration of a bundle. */
export const calibrationEpisodes =
  (tasks: TaskSource, seed: number) =>
  ({ ways, shots }: EpisodeSize, index: number): CalibrationEpisode | undefined => {
    const others = Math.min(otherClasses, tasks.classCount("val") - ways);
    if (others < 0) return undefined;
    try {
      const drawn = tasks.episode("val", seed, index, { ways: ways + others, shots, queries: calibrationQueries });
      const inside = (label: number) => label < ways;
      const episode = { support: chosen(drawn.support, inside), query: chosen(drawn.query, inside) };
      const met = new Set<number>();
      const firstOutside = (label: number) => {
        if (inside(label) || met.has(label)) return false;
        met.add(label);
        return true;
      };
      return others > 0 ? { ...episode, outsiders: chosen(drawn.query, firstOutside).x } : episode;
    } catch (cause) {
      if (cause instanceof InnerloopError && cause.code === "too-few-examples") return undefined;
      throw cause;
    }
  };

/**
 * One example each of classes of a split that are not in an episode of it, which stays what it is without them.
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
  const ways = classes.length;
  const others = Math.min(otherClasses, tasks.classCount(split) - ways);
  if (ways === 0 || others < 1) return undefined;
  const drawn = tasks.episode(split, seed, index, { ways: ways + others, shots: 1, queries: 1 });
  const free = drawn.classes!.flatMap((name, label) => (classes.includes(name) ? [] : [label])).slice(0, others);
  return chosen(drawn.support, (label) => free.includes(label)).x;
}

/** The examples with some labels. */
function chosen({ x, y }: Examples, wanted: (label: number) => boolean): Examples {
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
