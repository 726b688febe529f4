// Tasks of classes that are made here rather than read: what all of them do the same.
import { PooledTasks } from "../episodes/pooled-tasks.ts";
import type { ClassPool } from "../episodes/sampling.ts";
import type { Split } from "../episodes/task.ts";

const heldBackClasses = 2 ** 20;
const heldBackExamples = 2 ** 16;
const firstId: Record<Split, number> = { train: 0, val: 2 ** 20, test: 2 ** 21 };

/** How many classes training has, and how many examples of each it meets again and again. */
export interface TrainingSize {
  readonly classes: number;
  readonly examples: number;
}

/**
 * Classes by number, of which any has any number of examples.
 *
 * Training meets its classes again and again, so their examples are made once and kept. Those of `val` and `test` are made
 * when asked for, 2²⁰ classes each with 65,536 examples, from numbers that training never sees.
 */
export abstract class MadeTasks extends PooledTasks {
  /** What a class is called before its number: `motion`. */
  protected abstract readonly noun: string;
  protected abstract readonly trainingSize: TrainingSize;

  readonly #kept = new Map<number, Float32Array>();

  /** An example of a class; the same for the same numbers. */
  protected abstract draw(id: number, number: number): Float32Array;

  /** @param write makes of what is drawn the numbers of an example; as it is unless given */
  protected classesOf(split: Split, write?: (drawn: Float32Array) => Float32Array): ClassPool {
    const { classes, examples } = this.trainingSize;
    const train = split === "train";
    return {
      title: `the ${split} split of ${this.name}`,
      inputShape: this.inputShape,
      classCount: train ? classes : heldBackClasses,
      advice: "use another split",
      className: (index) => `${this.noun}-${firstId[split] + index}`,
      exampleCount: (_, needed) => (train ? Math.max(examples, needed) : heldBackExamples),
      copy: (index, number, target, offset) => {
        const drawn = train ? this.#keptOf(index, number) : this.draw(firstId[split] + index, number);
        target.set(write ? write(drawn) : drawn, offset);
      },
    };
  }

  protected pool(split: Split): ClassPool {
    return this.classesOf(split);
  }

  #keptOf(id: number, number: number): Float32Array {
    const { examples } = this.trainingSize;
    if (number >= examples) return this.draw(id, number);
    const key = id * examples + number;
    let drawn = this.#kept.get(key);
    if (!drawn) {
      drawn = this.draw(id, number);
      this.#kept.set(key, drawn);
    }
    return drawn;
  }
}
