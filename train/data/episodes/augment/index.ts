// Training tasks whose single examples are changed a little, each in its own way: more examples than there are.
import { InnerloopError, type Preprocessing, suggest, type Tensor } from "@innerloop/schemas";
import { type Random, random } from "../../../random.ts";
import { applied, scaleOf } from "../shifts/applying.ts";
import { type Episode, type EpisodeShape, type Split, splits, type TaskSource } from "../task.ts";
import type { Augmentations } from "./augmentation.ts";
import { pictureAugmentations } from "./pictures.ts";
import { rowAugmentations } from "./rows.ts";
import { soundAugmentations } from "./sounds.ts";
import { windowAugmentations } from "./windows.ts";

export type { Augmentation, Augmentations } from "./augmentation.ts";

/** What an augmentation is for. */
type Augmented = Pick<TaskSource, "inputShape" | "preprocessing">;

/** The name that stands for those which data of a kind have by themselves. */
const usualName = "usual";

/** What there is for pictures, sounds, windows of samples or numbers. */
export function augmentationsFor(inputShape: readonly number[], preprocessing?: Preprocessing): Augmentations {
  if (preprocessing?.kind === "sound") return soundAugmentations;
  if (inputShape.length === 3) return pictureAugmentations;
  return inputShape.length === 2 ? windowAugmentations : rowAugmentations;
}

/**
 * The names of augmentations that a setting stands for, in the order in which they are applied.
 * @param names of {@link augmentationsFor}, among which `usual` stands for those that are so by themselves
 * @throws InnerloopError `unknown-augmentation` (status 2) for one that there is not
 */
export function augmentationNames({ inputShape, preprocessing }: Augmented, names: readonly string[]): string[] {
  const known = augmentationsFor(inputShape, preprocessing);
  const all = Object.keys(known);
  for (const name of names)
    if (name !== usualName && !all.includes(name)) {
      const near = suggest(name, all);
      throw new InnerloopError(
        "unknown-augmentation",
        `There is no augmentation "${name}" of examples [${inputShape.join(", ")}]${near ? `; did you mean "${near}"?` : "."} There are ${all.join(", ")}.`,
        { exitStatus: 2 },
      );
    }
  return all.filter((name) => names.includes(name) || (names.includes(usualName) && known[name]!.usual));
}

/** A number of its own for the streams of augmentations, so that all else of an episode is what it is without them. */
const augmentStream = 0xa06;

/**
 * The same tasks, whose training examples are changed, each by all of the augmentations with chances of their own. How depends on
 * seed and index of an episode alone; other splits are to the bit what they are without this.
 *
 * @throws InnerloopError `unknown-augmentation` (status 2)
 */
export function augmented(tasks: TaskSource, names: readonly string[]): TaskSource {
  const { inputShape, preprocessing } = tasks;
  const known = augmentationsFor(inputShape, preprocessing);
  const changes = augmentationNames(tasks, names).map((name) => known[name]!.make(inputShape));
  const changed = (episode: Episode, rng: Random): Episode => {
    const scale = scaleOf(inputShape, preprocessing, episode.support.x);
    const each = (x: Tensor) => applied(x, changes, scale, rng);
    return {
      ...episode,
      support: { ...episode.support, x: each(episode.support.x) },
      query: { ...episode.query, x: each(episode.query.x) },
    };
  };
  return {
    name: tasks.name,
    kind: tasks.kind,
    inputShape,
    ...(tasks.outputSize === undefined ? {} : { outputSize: tasks.outputSize }),
    ...(preprocessing === undefined ? {} : { preprocessing }),
    classCount: (split) => tasks.classCount(split),
    episode(split: Split, seed: number, index: number, shape: EpisodeShape): Episode {
      const episode = tasks.episode(split, seed, index, shape);
      if (split !== "train" || changes.length === 0) return episode;
      return changed(episode, random(seed, splits.indexOf(split), index, augmentStream));
    },
  };
}
