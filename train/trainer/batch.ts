// A batch of episodes as the arrays that graphs take: of one task, or of several along a task axis.
import type { Learner } from "@innerloop/graph";
import { InnerloopError, show, type Tensor } from "@innerloop/schemas";
import type { Episode } from "../data/index.ts";
import { episodeArrays } from "../names.ts";
import type { EpisodeSizes } from "./objective.ts";
import type { Tensors } from "./state.ts";

/** The feeds of one task. */
export const taskFeeds = ({ support, query }: Episode): Tensors => ({
  [episodeArrays.support.x]: support.x,
  [episodeArrays.support.y]: support.y,
  [episodeArrays.query.x]: query.x,
  [episodeArrays.query.y]: query.y,
});

/** The episode of such feeds. @param feed gives one by its name */
export const episodeOf = (feed: (name: string) => Tensor): Episode => ({
  support: { x: feed(episodeArrays.support.x), y: feed(episodeArrays.support.y) },
  query: { x: feed(episodeArrays.query.x), y: feed(episodeArrays.query.y) },
});

/** The episodes' arrays with a leading task axis. */
export function stackFeeds(episodes: readonly Episode[]): Tensors {
  const tasks = episodes.map(taskFeeds);
  const stacked = (name: string): Tensor => {
    const parts = tasks.map((task) => task[name]!);
    const { dtype, shape, data } = parts[0]!;
    const all = new (data.constructor as Float32ArrayConstructor)(data.length * parts.length);
    parts.forEach((part, i) => {
      all.set(part.data as Float32Array, i * data.length);
    });
    return { dtype, shape: [parts.length, ...shape], data: all };
  };
  return Object.fromEntries(Object.keys(tasks[0]!).map((name) => [name, stacked(name)]));
}

const mostParts = 1_000_000;

/** Cuts a list into `count` neighbouring parts whose lengths differ by one at most, the longer ones first. */
export function parted<T>(list: readonly T[], count: number): T[][] {
  if (!(Number.isInteger(count) && count > 0 && count <= mostParts))
    throw new InnerloopError(
      "bad-argument",
      `${show(count)} parts; a whole number from 1 to ${mostParts} was expected`,
      {
        exitStatus: 2,
      },
    );
  const [least, longer] = [Math.floor(list.length / count), list.length % count];
  return Array.from({ length: count }, (_, i) => {
    const start = i * least + Math.min(i, longer);
    return list.slice(start, start + least + (i < longer ? 1 : 0));
  });
}

/**
 * The sizes that all episodes of a batch share.
 * @throws InnerloopError where there are no episodes, or they do not fit one another or the learner
 */
export function sizesOf(learner: Learner, episodes: readonly Episode[]): EpisodeSizes {
  const [first] = episodes;
  if (!first) throw new InnerloopError("no-episodes", "A step needs at least one episode.", { exitStatus: 2 });
  const size = ({ support, query }: Episode): EpisodeSizes => ({
    support: support.x.shape[0]!,
    query: query.x.shape[0]!,
    ways:
      learner.task === "classification"
        ? (first.classes?.length ?? 1 + Math.max(...(support.y.data as Int32Array)))
        : 1,
  });
  const sizes = size(first);
  for (const episode of episodes) {
    const { support, query } = size(episode);
    if (support !== sizes.support || query !== sizes.query)
      throw new InnerloopError(
        "bad-episode-shape",
        `The episodes of a batch need one shape, but have ${sizes.support} + ${sizes.query} and ${support} + ${query} examples.`,
        { exitStatus: 2 },
      );
    if (episode.support.x.shape.slice(1).join() !== learner.inputShape.join())
      throw new InnerloopError(
        "shape-mismatch",
        `The learner takes examples [${learner.inputShape}], but the episode has [${episode.support.x.shape.slice(1)}].`,
        { exitStatus: 2 },
      );
  }
  if (learner.task === "classification" && learner.outputs !== undefined && sizes.ways > learner.outputs)
    throw new InnerloopError(
      "too-many-ways",
      `The episodes have ${sizes.ways} classes, but the head has ${learner.outputs} outputs; build the model with more, or use a head without a fixed number (zero, prototypes).`,
      { exitStatus: 2 },
    );
  return sizes;
}
