// Few-shot tasks from examples that were read: what all data from files do the same.
import type { Preprocessing, SplitRecord } from "@innerloop/schemas";
import { type LabelledClass, poolOf } from "../episodes/pool.ts";
import { ofSplits, PooledTasks } from "../episodes/pooled-tasks.ts";
import type { ClassPool } from "../episodes/sampling.ts";
import { type SplitRule, splitOf } from "../episodes/split.ts";
import type { Split } from "../episodes/task.ts";
import { leftOut, sentenceOf } from "./left-out.ts";
import type { NamedExample, ReadClass } from "./sift.ts";

/** What was read, and how an example of it is made numbers. */
export interface ReadData<Kept> {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly preprocessing?: Preprocessing;
  readonly classes: readonly ReadClass<Kept>[];
  readonly notes: readonly string[];
  /** What a person who lacks classes can do about it. */
  readonly advice: string;
  /** How classes are split whose places do not say it. */
  readonly split?: SplitRule;
  write(kept: Kept, target: Float32Array, offset: number): void;
}

export class ReadTasks<Kept> extends PooledTasks {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly preprocessing?: Preprocessing;
  readonly notes: readonly string[];
  readonly split: SplitRecord;
  readonly #pools: Readonly<Record<Split, ClassPool>>;

  constructor({ name, inputShape, preprocessing, classes, notes, advice, split: rule, write }: ReadData<Kept>) {
    super();
    this.name = name;
    this.inputShape = inputShape;
    if (preprocessing) this.preprocessing = preprocessing;
    const split = splitOf(classes, rule);
    this.split = split.record;
    this.notes = [...notes, ...split.notes, ...ofOneRecording(classes)];
    const byName = new Map(classes.map((each) => [each.name, each.examples]));
    this.#pools = ofSplits((which) =>
      poolOf(
        {
          title: `the ${which} split of ${name} (${classes.length} classes in all)`,
          inputShape,
          classes: split.classes[which].map((each) => labelled(each, byName.get(each)!)),
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

/** A class as the sampler takes it. */
function labelled<Kept>(name: string, examples: readonly NamedExample<Kept>[]): LabelledClass<Kept> {
  const kept = examples.map(({ kept }) => kept);
  if (examples.every(({ source }) => source === undefined)) return { name, examples: kept };
  const recordings = new Map<string, number[]>();
  examples.forEach((example, i) => {
    const source = example.source ?? example.name;
    const there = recordings.get(source);
    if (there) there.push(i);
    else recordings.set(source, [i]);
  });
  return { name, examples: kept, recordings: [...recordings.values()] };
}

/** What is said of classes that cannot be asked about by another recording than they are shown by. */
function ofOneRecording(classes: readonly ReadClass<unknown>[]): string[] {
  const names = classes
    .filter(
      ({ examples: [first, ...others] }) => first?.source && others.every(({ source }) => source === first.source),
    )
    .map(({ name }) => name);
  return leftOut("classes of a single recording", names).map((each) =>
    sentenceOf(each, "are kept, though what is asked about is then much like what was shown"),
  );
}
