// The baseline that any learner has to beat: the label of the nearest support example, in raw pixels.
import { accuracy, type Estimate, estimate } from "../../metrics.ts";
import type { Episode, EpisodeShape, Split, TaskSource } from "../episodes/task.ts";

/** The support example nearest to each query (Euclidean; of equals, the first): its row. Returns int32 `[queries]`. */
export function nearestExamples({ support, query }: Episode): Int32Array {
  const known = support.x.data as Float32Array;
  const asked = query.x.data as Float32Array;
  const count = support.x.shape[0]!;
  const size = known.length / count;
  return Int32Array.from({ length: asked.length / size }, (_, row) => {
    let nearest = 0;
    let smallest = Number.POSITIVE_INFINITY;
    for (let example = 0; example < count; example++) {
      let distance = 0;
      for (let i = 0; i < size && distance < smallest; i++) {
        const difference = asked[row * size + i]! - known[example * size + i]!;
        distance += difference * difference;
      }
      if (distance < smallest) {
        smallest = distance;
        nearest = example;
      }
    }
    return nearest;
  });
}

/** The label of the support example nearest to each query. Returns int32 `[queries]`. */
export const nearestNeighbours = (episode: Episode): Int32Array =>
  nearestExamples(episode).map((row) => Number(episode.support.y.data[row]));

/** Options of {@link nearestNeighbourAccuracy}. */
export interface BaselineOptions {
  readonly split?: Split;
  readonly episodes?: number;
  readonly seed?: number;
}

/**
 * Accuracy of the nearest neighbour over episodes 0…episodes−1 of a stream.
 *
 * @param tasks a classification source
 * @param options defaults: the test split, 600 episodes, seed 0
 */
export function nearestNeighbourAccuracy(
  tasks: TaskSource,
  shape: EpisodeShape,
  { split = "test", episodes = 600, seed = 0 }: BaselineOptions = {},
): Estimate {
  return estimate(
    Array.from({ length: episodes }, (_, index) => {
      const episode = tasks.episode(split, seed, index, shape);
      return accuracy(nearestNeighbours(episode), episode.query.y.data as Int32Array);
    }),
  );
}
