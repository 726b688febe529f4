// Few-shot tasks that are drawn from classes of examples: what every data set with classes does the same.
import { type Preprocessing, type SplitRecord, sizeOf } from "@innerloop/schemas";
import { joinedPool, largerClasses, smallClasses } from "./pool.ts";
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

  smallestClass(split: Split): ClassPool["smallest"] {
    return this.pool(split).smallest;
  }

  episode(split: Split, seed: number, index: number, shape: EpisodeShape): Episode {
    return drawEpisode(this.pool(split), episodeRandom(split, seed, index), shape);
  }

  /** The first classes of a split with how many examples each has, Infinity where they have no end. */
  classes(split: Split, most: number): readonly { readonly name: string; readonly examples: number }[] {
    const pool = this.pool(split);
    const { classCount, smallest } = pool;
    return Array.from({ length: Math.min(classCount, most) }, (_, index) => ({
      name: pool.className(index),
      examples: smallest ? pool.exampleCount(index, 1) : Number.POSITIVE_INFINITY,
    }));
  }

  /** The numbers of an example, by the places of its class in {@link classes} and of itself in the class. */
  example(split: Split, classIndex: number, index: number): Float32Array {
    const pool = this.pool(split);
    const values = new Float32Array(sizeOf(this.inputShape));
    pool.copy(classIndex, index, values, 0);
    return values;
  }

  /** The classes of several splits as those of one, whichever is asked for. */
  joined(parts: readonly Split[]): TaskSource {
    const pool = joinedPool(
      parts.map((part) => this.pool(part)),
      `the ${parts.join(" and ")} splits of ${this.name}`,
    );
    return new OtherPools(this, () => pool);
  }

  withExamples(least: number): { tasks: TaskSource; leftOut: readonly string[] } {
    const small = splits.flatMap((split) => smallClasses(this.pool(split), least));
    return small.length === 0
      ? { tasks: this, leftOut: [] }
      : { tasks: new OtherPools(this, (split) => largerClasses(this.pool(split), least)), leftOut: small };
  }
}

/** The same data with other classes in their splits. */
class OtherPools extends PooledTasks {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly preprocessing?: Preprocessing;
  readonly notes: readonly string[];
  readonly split?: SplitRecord;
  readonly #pools: Readonly<Record<Split, ClassPool>>;

  constructor({ name, inputShape, preprocessing, notes = [], split }: TaskSource, pool: (split: Split) => ClassPool) {
    super();
    this.name = name;
    this.inputShape = inputShape;
    if (preprocessing) this.preprocessing = preprocessing;
    this.notes = notes;
    if (split) this.split = split;
    this.#pools = ofSplits(pool);
  }

  protected pool(split: Split): ClassPool {
    return this.#pools[split];
  }
}

/** The same of every split. */
export const ofSplits = <T>(make: (split: Split) => T): Readonly<Record<Split, T>> =>
  Object.fromEntries(splits.map((split) => [split, make(split)])) as Record<Split, T>;
