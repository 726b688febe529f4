// Classes whose examples are all at hand, as the sampler takes them, and what every example has to be.
import { InnerloopError } from "@innerloop/schemas";
import type { ClassPool } from "./sampling.ts";

/** A class with its examples, in whatever form they are kept. */
export interface LabelledClass<E> {
  readonly name: string;
  readonly examples: readonly E[];
  /** The examples of each recording by their places, where recordings are several examples. */
  readonly recordings?: readonly (readonly number[])[];
}

/** @param write writes an example's values into `target` from `offset` on */
export function poolOf<E>(
  {
    classes,
    ...told
  }: Pick<ClassPool, "title" | "inputShape" | "advice"> & { readonly classes: readonly LabelledClass<E>[] },
  write: (example: E, target: Float32Array, offset: number) => void,
): ClassPool {
  const [first, ...others] = classes.map(({ name, examples }) => ({ name, examples: examples.length }));
  const smallest = first && others.reduce((least, each) => (least.examples <= each.examples ? least : each), first);
  return {
    ...told,
    classCount: classes.length,
    ...(smallest ? { smallest } : {}),
    className: (index) => classes[index]!.name,
    exampleCount: (index) => classes[index]!.examples.length,
    recordings: (index) => classes[index]!.recordings,
    copy: (index, example, target, offset) => write(classes[index]!.examples[example]!, target, offset),
  };
}

/** The classes of several pools, one after the other. */
export function joinedPool(pools: readonly ClassPool[], title: string): ClassPool {
  const [first] = pools;
  if (!first) throw new RangeError("no pools were given");
  const at = (index: number): [pool: ClassPool, index: number] => {
    let inside = index;
    for (const pool of pools) {
      if (inside < pool.classCount) return [pool, inside];
      inside -= pool.classCount;
    }
    throw new RangeError(`there is no class ${index}`);
  };
  const smallest = pools
    .flatMap(({ smallest }) => (smallest ? [smallest] : []))
    .reduce<ClassPool["smallest"]>(
      (least, each) => (least && least.examples <= each.examples ? least : each),
      undefined,
    );
  return {
    title,
    inputShape: first.inputShape,
    classCount: pools.reduce((sum, { classCount }) => sum + classCount, 0),
    ...(smallest ? { smallest } : {}),
    advice: first.advice,
    className(index) {
      const [pool, inside] = at(index);
      return pool.className(inside);
    },
    exampleCount(index, needed) {
      const [pool, inside] = at(index);
      return pool.exampleCount(inside, needed);
    },
    recordings(index) {
      const [pool, inside] = at(index);
      return pool.recordings?.(inside);
    },
    copy(index, example, target, offset) {
      const [pool, inside] = at(index);
      pool.copy(inside, example, target, offset);
    },
  };
}

/** @throws InnerloopError `not-a-number` (status 2), naming the first example that holds one that is not finite */
export function checkNumbers(examples: readonly Float32Array[]): void {
  examples.forEach((example, i) => {
    const at = example.findIndex((value) => !Number.isFinite(value));
    if (at >= 0)
      throw new InnerloopError(
        "not-a-number",
        `Example ${i} is ${example[at]} at position ${at}; expected finite numbers. Repair the example or leave it out`,
        { exitStatus: 2 },
      );
  });
}

/** The numbers of classes with examples enough; without any whose examples are counted, that is all of them. */
const largeOnes = (pool: ClassPool, least: number): number[] =>
  Array.from({ length: pool.classCount }, (_, i) => i).filter((i) => pool.exampleCount(i, 0) >= least);

/** The classes of a pool that have so many examples. */
export function largerClasses(pool: ClassPool, least: number): ClassPool {
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
    recordings: (i) => pool.recordings?.(kept[i]!),
    copy: (i, example, target, offset) => pool.copy(kept[i]!, example, target, offset),
  };
}

/** The names of the others, each with the number of its examples. */
export function smallClasses(pool: ClassPool, least: number): string[] {
  if (!pool.smallest || pool.smallest.examples >= least) return [];
  const large = new Set(largeOnes(pool, least));
  return Array.from({ length: pool.classCount }, (_, i) => i)
    .filter((i) => !large.has(i))
    .map((i) => `${pool.className(i)} (${pool.exampleCount(i, 0)})`);
}
