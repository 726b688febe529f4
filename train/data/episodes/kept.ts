// Episodes that are kept with a run whose data only the program has that gave them, so that it can be exported without them.
import { InnerloopError } from "@innerloop/schemas";
import type { Episode, EpisodeShape, Split, TaskSource } from "./task.ts";

/** What is known of the data, without the data. */
export type TaskFacts = Pick<TaskSource, "name" | "kind" | "inputShape" | "outputSize" | "preprocessing">;

/** A few episodes of held-back classes, and nothing else. */
export class KeptTasks implements TaskSource {
  readonly name: string;
  readonly kind: TaskSource["kind"];
  readonly inputShape: readonly number[];
  readonly outputSize?: number;
  readonly preprocessing?: NonNullable<TaskSource["preprocessing"]>;
  readonly #episodes: readonly Episode[];

  constructor({ name, kind, inputShape, outputSize, preprocessing }: TaskFacts, episodes: readonly Episode[]) {
    this.name = name;
    this.kind = kind;
    this.inputShape = inputShape;
    if (outputSize !== undefined) this.outputSize = outputSize;
    if (preprocessing) this.preprocessing = preprocessing;
    this.#episodes = episodes;
  }

  /** None that further episodes could be drawn from. */
  classCount(_split: Split): number {
    return 0;
  }

  /** The kept episode of that number, whatever the seed. */
  episode(split: Split, _seed: number, index: number, { ways, shots }: EpisodeShape): Episode {
    const episode = split === "val" ? this.#episodes[index] : undefined;
    if (episode && (this.kind === "regression" || episode.support.x.shape[0] === ways * shots)) return episode;
    throw new InnerloopError(
      "data-missing",
      `The run keeps ${this.#episodes.length} episodes of ${this.name}, and not the data that this needs; give the data (--data), or do it in ` +
        "the program that has them.",
      { exitStatus: 2 },
    );
  }
}
