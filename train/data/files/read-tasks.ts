// Few-shot tasks from examples that were read: what all data from files do the same.
import type { Preprocessing } from "@innerloop/schemas";
import { poolOf } from "../episodes/pool.ts";
import { ofSplits, PooledTasks } from "../episodes/pooled-tasks.ts";
import type { ClassPool } from "../episodes/sampling.ts";
import { splitClasses, usuallyHeldBack } from "../episodes/split.ts";
import type { Split } from "../episodes/task.ts";
import type { ReadClass } from "./sift.ts";

/** What was read, and how an example of it is made numbers. */
export interface ReadData<Kept> {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly preprocessing?: Preprocessing;
  readonly classes: readonly ReadClass<Kept>[];
  readonly notes: readonly string[];
  /** What a person who lacks classes can do about it. */
  readonly advice: string;
  /** The classes that are held back where their places say nothing; default {@link usuallyHeldBack}. */
  readonly heldBack?: { readonly val: number; readonly test: number } | undefined;
  write(kept: Kept, target: Float32Array, offset: number): void;
}

export class ReadTasks<Kept> extends PooledTasks {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly preprocessing?: Preprocessing;
  readonly notes: readonly string[];
  readonly #pools: Readonly<Record<Split, ClassPool>>;

  constructor({ name, inputShape, preprocessing, classes, notes, advice, heldBack, write }: ReadData<Kept>) {
    super();
    this.name = name;
    this.inputShape = inputShape;
    if (preprocessing) this.preprocessing = preprocessing;
    this.notes = notes;
    const split = splitOf(classes, heldBack ?? usuallyHeldBack);
    const byName = new Map(classes.map(({ name, examples }) => [name, examples.map(({ kept }) => kept)]));
    this.#pools = ofSplits((which) =>
      poolOf(
        {
          title: `the ${which} split of ${name} (${classes.length} classes in all)`,
          inputShape,
          classes: split[which].map((each) => ({ name: each, examples: byName.get(each)! })),
          advice,
        },
        write,
      ),
    );
  }

  protected pool(split: Split): ClassPool {
    return this.#pools[split];
  }
}

/** Which class is in which split: what their places say, or a choice by their names. */
function splitOf(
  classes: readonly Pick<ReadClass<unknown>, "name" | "split">[],
  heldBack: { readonly val: number; readonly test: number },
): Record<Split, readonly string[]> {
  const placed = classes.every(({ split }) => split !== undefined);
  const of = (split: Split): string[] => classes.filter((each) => each.split === split).map(({ name }) => name);
  if (placed) return ofSplits(of);
  return splitClasses(
    classes.map(({ name }) => name),
    heldBack,
  );
}
