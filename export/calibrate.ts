// Running an exported bundle on classes that were held back, of many sizes of episodes, to find out what its confidence is
// worth: a temperature, a threshold for "none of these", and how to tell examples that are unlike the training's.
import { Learner as BundledLearner, type Personal, supportSpread } from "@innerloop/runtime";
import { type Confidence, InnerloopError, type Tensor } from "@innerloop/schemas";
import type { Answers } from "./confidence/answers.ts";
import { fitConfidence } from "./confidence/fit.ts";
import type { VerificationEpisode } from "./verify.ts";

/** An episode of held-back classes, and examples of other ones. */
export interface CalibrationEpisode extends VerificationEpisode {
  /** Examples of classes that are not in the episode, float32 `[n, ...inputShape]`; absent where the data have none. */
  readonly outsiders?: Tensor;
}

/** How many classes, and support examples of each. */
export interface EpisodeSize {
  readonly ways: number;
  readonly shots: number;
}

export interface CalibrateOptions extends EpisodeSize {
  /**
   * Episode number `index`, of a size; the same for the same arguments. No two sizes are asked for the same index, so that
   * they need not share examples. Undefined where the data are too few for the size, whatever the index.
   */
  episode(size: EpisodeSize, index: number): CalibrationEpisode | undefined;
  /** An episode as the data of users may be. Without it the bundle cannot tell that examples are unlike the training's. */
  shift?(episode: CalibrationEpisode, index: number): CalibrationEpisode;
  /** Episodes of each size; 30 unless given. */
  readonly episodes?: number;
  /** Where they take longer, there are fewer of them, but 5 of each size at least; 60 unless given. */
  readonly seconds?: number;
  /** The share of outsiders that "none of these" may let pass; 0.05 unless given. */
  readonly falseAccepts?: number;
  /** Stops it between two episodes; its reason is thrown. */
  readonly signal?: AbortSignal;
  onProgress?(done: number, all: number): void;
}

/** The sizes that are tried, besides the one that the bundle was trained for. */
const usualWays = [2, 5, 10, 20];
const usualShots = [1, 5];

/** Episodes of each size, however long they take. */
const leastRounds = 5;

/**
 * Fits a temperature and a threshold on episodes of several sizes.
 *
 * @param folder the bundle
 * @param options ways and shots: the size that the bundle was trained for
 * @returns nothing where the data are too few for any episode
 * @throws InnerloopError `bad-option` for a share that is none
 */
export async function calibrateBundle(folder: string, options: CalibrateOptions): Promise<Confidence | undefined> {
  const { episodes = 30, seconds = 60, falseAccepts = 0.05 } = options;
  if (!(falseAccepts > 0 && falseAccepts < 1))
    throw new InnerloopError(
      "bad-option",
      `The share of false accepts is ${falseAccepts}; a number above 0 and below 1 was expected; 0.05 is usual.`,
      { exitStatus: 2 },
    );
  const learner = await BundledLearner.load(folder, { provider: "cpu", task: "classification" });
  try {
    const sizes = sizesFor(learner, options).filter((size) => options.episode(size, 0));
    const answers: Answers[] = [];
    const started = performance.now();
    let rounds = 0;
    // Whole rounds over the sizes, so that none has more episodes than another wherever it ends.
    while (rounds < episodes && (rounds < leastRounds || performance.now() - started < 1000 * seconds)) {
      for (const [i, size] of sizes.entries()) {
        options.signal?.throwIfAborted();
        const index = rounds * sizes.length + i;
        const episode = options.episode(size, index)!;
        answers.push(await answered(learner, size, episode));
        if (options.shift)
          answers.push({ ...(await answered(learner, size, options.shift(episode, index))), shifted: true });
        options.onProgress?.(index + 1, episodes * sizes.length);
      }
      rounds++;
    }
    const trained = sizes.find(({ ways, shots }) => ways === options.ways && shots === options.shots) ?? sizes[0];
    return trained && fitConfidence(answers, { ...trained, episodes: rounds * sizes.length, falseAccepts });
  } finally {
    await learner.dispose();
  }
}

function sizesFor({ manifest }: BundledLearner, { ways, shots }: EpisodeSize): EpisodeSize[] {
  const most = manifest.output.ways ?? Number.POSITIVE_INFINITY;
  const rising = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);
  return rising([...usualWays, ways])
    .filter((count) => count <= most)
    .flatMap((count) => rising([...usualShots, shots]).map((each) => ({ ways: count, shots: each })));
}

async function answered(learner: BundledLearner, size: EpisodeSize, episode: CalibrationEpisode): Promise<Answers> {
  const names = learner.manifest.labels;
  const nameOf = (label: number) => names?.[label] ?? String(label);
  const { support, query, outsiders } = episode;
  const personal = await learner.adapt({ ...batch(support.x), labels: numbers(support.y).map(nameOf) });
  const columns = ({ y }: { readonly y: Tensor }) => numbers(y).map((label) => personal.labels.indexOf(nameOf(label)));
  return {
    ...size,
    logits: await logitsOf(personal, query.x),
    labels: columns(query),
    outsiders: outsiders ? await logitsOf(personal, outsiders) : [],
    spread: supportSpread(await logitsOf(personal, support.x), columns(support)),
  };
}

const batch = ({ data, shape }: Tensor) => ({ data: data as Float32Array, shape });

const logitsOf = async (personal: Personal, x: Tensor): Promise<number[][]> =>
  (await personal.predictBatch(batch(x))).map(({ logits }) => [...logits]);
const numbers = ({ data }: Tensor): number[] => Array.from(data as ArrayLike<number | bigint>, Number);
