// How an episode is drawn from classes of examples: the one sampler behind every data set with classes.
import { InnerloopError, sizeOf } from "@innerloop/schemas";
import { type Random, random } from "../../random.ts";
import { type Episode, type EpisodeShape, type ExampleTensors, type Split, splits } from "./task.ts";

/** The classes of one split, and how to get at their examples. */
export interface ClassPool {
  /** What messages call it, such as `the test split of images:photos`. */
  readonly title: string;
  readonly inputShape: readonly number[];
  readonly classCount: number;
  /** The class with the fewest examples; absent where examples have no end. */
  readonly smallest?: { readonly name: string; readonly examples: number };
  /** What a person who lacks classes or examples can do about it. */
  readonly advice: string;
  className(index: number): string;
  /** How many examples of a class an episode of this size is drawn from. */
  exampleCount(index: number, needed: number): number;
  /** The examples of each recording of a class; nothing where every example is a recording of its own. */
  recordings?(index: number): readonly (readonly number[])[] | undefined;
  /** Writes an example's values into `target` from `offset` on. */
  copy(index: number, example: number, target: Float32Array, offset: number): void;
}

/** The random stream of an episode: a function of its split, seed and index alone. */
export function episodeRandom(split: Split, seed: number, index: number): Random {
  return random(seed, splits.indexOf(split), index);
}

/**
 * Draws an N-way K-shot episode: `ways` classes at random, labelled 0…ways−1 in the order drawn (so that a label says
 * nothing about the class), of each class `shots` + `queries` different examples, and both sets in random order
 * (Vinyals et al. 2016, section 4). Of recordings that are several examples each, those of the support set and those of the query
 * set are others, where a class has recordings enough: pieces of one recording are too alike to tell what is learned of a class.
 *
 * @throws {InnerloopError} `too-few-classes`, `too-few-examples` or `bad-episode-shape`, all with status 2
 */
export function drawEpisode(pool: ClassPool, rng: Random, shape: EpisodeShape): Episode {
  checkShape(pool, shape);
  const { ways, shots, queries } = shape;
  const classes = rng.sample(pool.classCount, ways);
  const examples = classes.map(
    (index) =>
      sampleApart(rng, pool.recordings?.(index), shots, queries) ??
      rng.sample(pool.exampleCount(index, shots + queries), shots + queries),
  );

  function collect(from: number, to: number): ExampleTensors {
    const size = sizeOf(pool.inputShape);
    const perClass = to - from;
    const order = rng.shuffle(Array.from({ length: ways * perClass }, (_, position) => position));
    const x = new Float32Array(order.length * size);
    const y = new Int32Array(order.length);
    order.forEach((position, row) => {
      const label = Math.floor(position / perClass);
      pool.copy(classes[label]!, examples[label]![from + (position % perClass)]!, x, row * size);
      y[row] = label;
    });
    return {
      x: { dtype: "float32", shape: [order.length, ...pool.inputShape], data: x },
      y: { dtype: "int32", shape: [order.length], data: y },
    };
  }

  return {
    support: collect(0, shots),
    query: collect(shots, shots + queries),
    classes: classes.map((index) => pool.className(index)),
  };
}

/**
 * Examples of a class, `shots` of some of its recordings and then `queries` of the others, which get a share of the recordings
 * alike; nothing where no such cut leaves both enough.
 */
function sampleApart(
  rng: Random,
  recordings: readonly (readonly number[])[] | undefined,
  shots: number,
  queries: number,
): number[] | undefined {
  if (!recordings) return undefined;
  const order = rng.shuffle(recordings);
  const wanted = (order.length * shots) / (shots + queries);
  const cuts = order.map((_, cut) => cut).sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted) || a - b);
  for (const cut of cuts) {
    const [support, query] = [order.slice(0, cut).flat(), order.slice(cut).flat()];
    if (support.length < shots || query.length < queries) continue;
    return [
      ...rng.sample(support.length, shots).map((i) => support[i]!),
      ...rng.sample(query.length, queries).map((i) => query[i]!),
    ];
  }
  return undefined;
}

/** Throws what {@link drawEpisode} would throw for this shape. */
export function checkShape(pool: ClassPool, { ways, shots, queries }: EpisodeShape): void {
  checkCounts({ ways, shots, queries });
  if (pool.classCount < ways) {
    const has = pool.classCount === 1 ? "1 class" : `${pool.classCount} classes`;
    throw new InnerloopError(
      "too-few-classes",
      `${capitalized(pool.title)} has ${has}; ${ways} ways need at least ${ways}. Ask for fewer ways or ${pool.advice}`,
      { exitStatus: 2 },
    );
  }
  const needed = shots + queries;
  if (pool.smallest && pool.smallest.examples < needed) {
    const { name, examples } = pool.smallest;
    throw new InnerloopError(
      "too-few-examples",
      `Class "${name}" of ${pool.title} has ${examples} example${examples === 1 ? "" : "s"}; ` +
        `${shots} shots + ${queries} queries need ${needed}. ` +
        "Ask for fewer shots or queries, add examples to the class, or leave it out",
      { exitStatus: 2 },
    );
  }
}

/** Throws `bad-episode-shape` unless every count is a positive integer. */
export function checkCounts(shape: EpisodeShape): void {
  for (const [name, value] of Object.entries(shape)) {
    if (!Number.isInteger(value) || value < 1)
      throw new InnerloopError("bad-episode-shape", `${name} is ${value}; expected an integer of at least 1`, {
        exitStatus: 2,
      });
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
