// Few-shot episodes from arrays that are already in memory: the door for data of one's own.
import { preprocess, type RawInput } from "@innerloop/runtime/input";
import {
  InnerloopError,
  misfit,
  type Preprocessing,
  preprocessedShape,
  show,
  sizeOf,
  type Tensor,
} from "@innerloop/schemas";
import { checkNumbers, poolOf } from "./pool.ts";
import { ofSplits, PooledTasks } from "./pooled-tasks.ts";
import { type ClassPool, checkCounts, checkShape } from "./sampling.ts";
import { type SplitOptions, splitClasses } from "./split.ts";
import { type Episode, type EpisodeShape, type Split, splits } from "./task.ts";

/**
 * Examples in memory: a tensor or array `[n, ...inputShape]`, or one array an example; or, where the options have
 * `preprocessing`, what a device is given: one picture or window of samples an example.
 */
export type DatasetInput =
  | Tensor
  | { readonly data: Float32Array; readonly shape: readonly number[] }
  | readonly (Float32Array | RawInput)[];

/** Options of {@link MetaDataset}. */
export interface MetaDatasetOptions {
  /** Classes in an episode (N). */
  readonly ways: number;
  /** Support examples of each class (K). */
  readonly shots: number;
  /** Query examples of each class. */
  readonly queries: number;
  /** Names the stream of episodes that the loops draw. Default 0. */
  readonly seed?: number;
  /** Classes to hold back, as fractions or as lists of labels. Default: all classes are `train`. */
  readonly split?: SplitOptions;
  /** The shape of one example, where `data` is one array an example. Default `[length]`, or what `preprocessing` makes. */
  readonly inputShape?: readonly number[];
  /**
   * How raw input becomes an example. A bundle's manifest records it, so that a device does the same. Arrays and tensors are
   * taken as examples that were made by it already.
   */
  readonly preprocessing?: Preprocessing;
  /** What messages and bundles call the data. Default `data`. */
  readonly name?: string;
}

/** Options of the loops over a {@link MetaDataset}. */
export interface LoopOptions {
  /** Default `train`. */
  readonly split?: Split;
  /** The first episode's index. Default: where the last loop over this split ended, so that each epoch brings new ones. */
  readonly start?: number;
}

/**
 * N-way K-shot episodes from labelled examples: classes drawn at random and relabelled 0…N−1, support and query
 * disjoint, both in random order.
 *
 * @example
 * const dataset = new MetaDataset(data, labels, { ways: 5, shots: 1, queries: 15 });
 * for (const episode of dataset.episodes(100)) {
 *   episode.support.x; // float32 [5, ...inputShape]
 *   episode.query.y;   // int32 [75]
 * }
 */
export class MetaDataset extends PooledTasks {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly preprocessing?: Preprocessing;
  /** The size of the episodes that the loops draw. */
  readonly shape: EpisodeShape;

  readonly #seed: number;
  readonly #pools: Readonly<Record<Split, ClassPool>>;
  readonly #next: Record<Split, number> = { train: 0, val: 0, test: 0 };

  /**
   * @param data `[n, ...inputShape]`; kept, not copied, but for raw input, of which examples are made
   * @param labels one of each example; any numbers or strings
   * @throws {InnerloopError} with status 2: `bad-shape`, `label-count`, `bad-label`, `not-a-number` (names the example),
   *   `bad-preprocessing`, `bad-input` for raw input (names the example), `too-few-classes`, `too-few-examples` (names the class), `bad-split`, `bad-episode-shape`
   */
  constructor(data: DatasetInput, labels: readonly (string | number)[], options: MetaDatasetOptions) {
    super();
    const { ways, shots, queries, seed = 0, split = {}, name = "data", preprocessing } = options;
    const { inputShape, examples } = examplesOf(data, options);
    const wrongly = preprocessing && misfit(preprocessing, inputShape);
    if (wrongly) throw wrong("bad-preprocessing", `The ${wrongly}; make them agree`);
    if (labels.length !== examples.length)
      throw wrong(
        "label-count",
        `${labels.length} labels for ${examples.length} examples of ${name}; give one label for each example`,
      );
    this.name = name;
    this.shape = { ways, shots, queries };
    this.inputShape = inputShape;
    if (preprocessing) this.preprocessing = preprocessing;
    this.#seed = seed;
    checkCounts(this.shape);
    checkNumbers(examples);

    const members = new Map<string, Float32Array[]>();
    examples.forEach((example, i) => {
      const label = labelIn(labels[i], i);
      const group = members.get(label);
      if (group) group.push(example);
      else members.set(label, [example]);
    });
    const classes = splitClasses([...members.keys()], split);
    const pool = (which: Split): ClassPool =>
      poolOf(
        {
          title: `the ${which} split of ${name}`,
          inputShape,
          classes: classes[which].map((label) => ({ name: label, examples: members.get(label)! })),
          advice:
            which === "train" ? "give examples of more classes" : `hold back more classes with split: { ${which}: … }`,
        },
        (example, target, offset) => target.set(example, offset),
      );
    this.#pools = ofSplits(pool);
    for (const which of splits) {
      if (which === "train" || classes[which].length > 0) checkShape(this.#pools[which], this.shape);
    }
  }

  protected pool(split: Split): ClassPool {
    return this.#pools[split];
  }

  override episode(split: Split, seed: number, index: number, shape: EpisodeShape = this.shape): Episode {
    return super.episode(split, seed, index, shape);
  }

  /** A loop over `count` episodes. */
  *episodes(count: number, { split = "train", start = this.#next[split] }: LoopOptions = {}): Generator<Episode> {
    for (let index = start; index < start + count; index++) {
      this.#next[split] = index + 1;
      yield this.episode(split, this.#seed, index);
    }
  }

  /** A loop over `count` meta-batches of `metaBatch` episodes each. */
  *batches(count: number, metaBatch: number, options: LoopOptions = {}): Generator<Episode[]> {
    for (let batch = 0; batch < count; batch++) {
      const start = options.start === undefined ? {} : { start: options.start + batch * metaBatch };
      yield [...this.episodes(metaBatch, { ...options, ...start })];
    }
  }
}

function examplesOf(
  data: DatasetInput,
  { inputShape: given, preprocessing }: MetaDatasetOptions,
): { inputShape: readonly number[]; examples: readonly Float32Array[] } {
  if (given !== undefined && !isShape(given))
    throw wrong("bad-shape", `inputShape is ${show(given)}; a list of whole numbers from 1 was expected`);
  if (typeof data !== "object" || data === null || !(Array.isArray(data) || "shape" in data))
    throw wrong("bad-shape", `The data are ${show(data)}; a list of examples, or { data, shape }, was expected`);
  if (!("shape" in data)) {
    // A list with holes has no example there, and `map` would pass them over.
    const arrays = Array.from(data, (example, i) =>
      example instanceof Float32Array ? example : made(example, i, preprocessing),
    );
    const inputShape = given ?? (preprocessing ? preprocessedShape(preprocessing) : [arrays[0]?.length ?? 0]);
    const size = sizeOf(inputShape);
    arrays.forEach((example, i) => {
      if (example.length !== size)
        throw wrong(
          "bad-shape",
          `Example ${i} has ${example.length} numbers; expected ${size}, for the shape [${inputShape.join(", ")}]`,
        );
    });
    return { inputShape, examples: arrays };
  }
  if (!Array.isArray(data.shape) || !isShape(data.shape.slice(1)) || !isShape([data.shape[0]! + 1]))
    throw wrong("bad-shape", `The shape of the data is ${show(data.shape)}; [examples, ...input] was expected`);
  const [count = 0, ...inputShape] = data.shape;
  const size = sizeOf(inputShape);
  if (!(data.data instanceof Float32Array))
    throw wrong("bad-shape", "The data are not float32; convert them with Float32Array.from");
  const values = data.data;
  if (data.shape.length === 0 || values.length !== count * size)
    throw wrong(
      "bad-shape",
      `${values.length} numbers for the shape [${data.shape.join(", ")}]; expected [examples, ...input], ` +
        "whose product is the number of values",
    );
  const examples = Array.from({ length: count }, (_, i) => values.subarray(i * size, (i + 1) * size));
  return { inputShape, examples };
}

/** The example that raw input is. */
function made(input: RawInput, index: number, preprocessing: Preprocessing | undefined): Float32Array {
  if (!preprocessing)
    throw wrong("bad-shape", `Example ${index} is no Float32Array; give these, or preprocessing for raw input`);
  try {
    return preprocess(preprocessing, input);
  } catch (cause) {
    throw cause instanceof InnerloopError ? wrong(cause.code, `Example ${index}: ${cause.message}`) : cause;
  }
}

/** A label as text, in one spelling of Unicode. */
function labelIn(label: unknown, index: number): string {
  if ((typeof label === "string" && label !== "") || (typeof label === "number" && Number.isFinite(label)))
    return String(label).normalize();
  throw wrong("bad-label", `Example ${index} has the label ${show(label)}; a text or a finite number was expected`);
}

const isShape = (shape: readonly number[]): boolean =>
  Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size > 0);

function wrong(code: string, message: string): InnerloopError {
  return new InnerloopError(code, message, { exitStatus: 2 });
}
