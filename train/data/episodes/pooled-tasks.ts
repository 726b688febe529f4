// Few-shot tasks that are drawn from classes of examples: what every data set with classes does the same.
import { type ClassPool, drawEpisode, episodeRandom } from "./sampling.ts";
import { type Episode, type EpisodeShape, type Split, splits, type TaskSource } from "./task.ts";

export abstract class PooledTasks implements TaskSource {
  abstract readonly name: string;
  readonly kind = "classification";
  abstract readonly inputShape: readonly number[];

  /** The classes of a split. */
  protected abstract pool(split: Split): ClassPool;

  classCount(split: Split): number {
    return this.pool(split).classCount;
  }

  episode(split: Split, seed: number, index: number, shape: EpisodeShape): Episode {
    return drawEpisode(this.pool(split), episodeRandom(split, seed, index), shape);
  }
}

/** The same of every split. */
export const ofSplits = <T>(make: (split: Split) => T): Readonly<Record<Split, T>> =>
  Object.fromEntries(splits.map((split) => [split, make(split)])) as Record<Split, T>;
