// Few-shot tasks that are drawn from classes of examples: what every data set with classes does the same.
import type { Preprocessing, SplitRecord } from "@innerloop/schemas";
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

  withExamples(least: number): { tasks: TaskSource; leftOut: readonly string[] } {
    const small = splits.flatMap((split) => tooSmall(this.pool(split), least));
    return small.length === 0
      ? { tasks: this, leftOut: [] }
      : { tasks: new LargerClasses(this, (split) => largerThan(this.pool(split), least)), leftOut: small };
  }
}

/** The classes of a data set that have examples enough. */
class LargerClasses extends PooledTasks {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly preprocessing?: Preprocessing;
  readonly notes: readonly string[];
  readonly split?: SplitRecord;
  readonly #pools: Readonly<Record<Split, ClassPool>>;

  constructor({ name, inputShape, preprocessing, notes, split }: TaskSource, pool: (split: Split) => ClassPool) {
    super();
    this.name = name;
    this.inputShape = inputShape;
    if (preprocessing) this.preprocessing = preprocessing;
    this.notes = notes ?? [];
    if (split) this.split = split;
    this.#pools = ofSplits(pool);
  }

  protected pool(split: Split): ClassPool {
    return this.#pools[split];
  }
}

/** The numbers of classes with examples enough; without any whose examples are counted, that is all of them. */
const largeOnes = (pool: ClassPool, least: number): number[] =>
  Array.from({ length: pool.classCount }, (_, i) => i).filter((i) => pool.exampleCount(i, 0) >= least);

function largerThan(pool: ClassPool, least: number): ClassPool {
  if (!pool.smallest || pool.smallest.examples >= least) return pool;
  const [first, ...others] = largeOnes(pool, least);
  const sizeOf = (i: number) => ({ name: pool.className(i), examples: pool.exampleCount(i, 0) });
  const smaller = (one: ReturnType<typeof sizeOf>, i: number) => (sizeOf(i).examples < one.examples ? sizeOf(i) : one);
  const kept = first === undefined ? [] : [first, ...others];
  const { smallest: _, ...rest } = pool;
  return {
    ...rest,
    classCount: kept.length,
    ...(first === undefined ? {} : { smallest: others.reduce(smaller, sizeOf(first)) }),
    className: (i) => pool.className(kept[i]!),
    exampleCount: (i, needed) => pool.exampleCount(kept[i]!, needed),
    copy: (i, example, target, offset) => pool.copy(kept[i]!, example, target, offset),
  };
}

function tooSmall(pool: ClassPool, least: number): string[] {
  if (!pool.smallest || pool.smallest.examples >= least) return [];
  const large = new Set(largeOnes(pool, least));
  return Array.from({ length: pool.classCount }, (_, i) => i)
    .filter((i) => !large.has(i))
    .map((i) => `${pool.className(i)} (${pool.exampleCount(i, 0)})`);
}

/** The same of every split. */
export const ofSplits = <T>(make: (split: Split) => T): Readonly<Record<Split, T>> =>
  Object.fromEntries(splits.map((split) => [split, make(split)])) as Record<Split, T>;
