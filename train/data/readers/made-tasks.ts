// Tasks of classes that are made here rather than read: what all of them do the same.
import { PooledTasks } from "../episodes/pooled-tasks.ts";
import type { ClassPool } from "../episodes/sampling.ts";
import type { Split } from "../episodes/task.ts";

const endlessClasses = 2 ** 20;
const endlessExamples = 2 ** 16;
const firstId: Record<Split, number> = { train: 0, val: 2 ** 20, test: 2 ** 21 };

/** How many classes a split has, and how many examples of each are met again and again. */
export interface KeptSize {
  readonly classes: number;
  readonly examples: number;
}

/**
 * Classes by number, of which any has any number of examples.
 *
 * Training meets its classes again and again, so their examples are made once and kept, and those of `val` where they take long
 * to make. Others are made when asked for, of 2²⁰ classes with 65,536 examples each. No split has a class of another.
 */
export abstract class MadeTasks extends PooledTasks {
  /** What a class is called before its number: `motion`. */
  protected abstract readonly noun: string;
  protected abstract readonly kept: Readonly<Partial<Record<Split, KeptSize>>>;

  readonly #made = new Map<string, Float32Array>();

  /** An example of a class; the same for the same numbers. */
  protected abstract draw(id: number, number: number): Float32Array;

  /** @param write makes of what is drawn the numbers of an example; as it is unless given */
  protected classesOf(split: Split, write?: (drawn: Float32Array) => Float32Array): ClassPool {
    const { classes, examples } = this.kept[split] ?? { classes: endlessClasses, examples: endlessExamples };
    return {
      title: `the ${split} split of ${this.name}`,
      inputShape: this.inputShape,
      classCount: classes,
      advice: "use another split",
      className: (index) => `${this.noun}-${firstId[split] + index}`,
      exampleCount: (_, needed) => Math.max(examples, needed),
      copy: (index, number, target, offset) => {
        const id = firstId[split] + index;
        const drawn = this.kept[split] && number < examples ? this.#once(id, number) : this.draw(id, number);
        target.set(write ? write(drawn) : drawn, offset);
      },
    };
  }

  protected pool(split: Split): ClassPool {
    return this.classesOf(split);
  }

  #once(id: number, number: number): Float32Array {
    const key = `${id}/${number}`;
    let drawn = this.#made.get(key);
    if (!drawn) {
      drawn = this.draw(id, number);
      this.#made.set(key, drawn);
    }
    return drawn;
  }
}
