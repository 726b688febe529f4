// How much adapting helps or harms on data like those of users: a bundle, as an application uses it, on the same shifted episodes after
// no steps, the usual ones, many and too large ones.
import { Learner } from "@innerloop/runtime";
import { takesSteps } from "@innerloop/schemas";
import { type Episode, metrics, shifted, type TaskSource } from "@innerloop/train";

/** A way to adapt. */
export interface Way {
  readonly name: string;
  readonly steps?: number;
  readonly rate?: number;
}

/** What is compared: the first is what the others must not fall behind. */
const ways: readonly Way[] = [
  { name: "0 steps", steps: 0 },
  { name: "default" },
  { name: "20 steps", steps: 20 },
  { name: "3 × rate", rate: 3 },
];

/** A kind of data: the tasks of one family. */
export interface Family {
  readonly name: string;
  /** As in training, or another world. */
  readonly inDomain: boolean;
  readonly tasks: TaskSource;
}

/** A family at a size of episodes. */
export interface Setting {
  readonly family: string;
  readonly inDomain: boolean;
  readonly ways: number;
  readonly shots: number;
}

/** What became of one way to adapt in a setting. Shares of right queries, and their differences to no steps on the same episodes. */
export interface Adapted {
  readonly way: string;
  readonly accuracy: number;
  readonly difference: metrics.Estimate;
  /** In how many episodes the support loss ended above its start. */
  readonly rose: number;
  /** In how many it could not be adapted at all; each counts as no right answer. */
  readonly failed: number;
}

export interface Row extends Setting {
  readonly episodes: number;
  readonly adapted: readonly Adapted[];
}

/** An episode with what the runtime made of it, for another program to compare. */
export interface Sample {
  readonly name: string;
  readonly episode: Episode;
  /** By way: logits `[queries, ways]` and support losses. */
  readonly answers: readonly { readonly way: Way; readonly logits: Float32Array; readonly losses: readonly number[] }[];
}

/** How strong each shift is; those with a figure of their own make what the name of the figure says. */
const strengths: Readonly<Record<string, number>> = {
  // 0.3 + 0.7·x.
  paper: 0.5,
  // The largest of 3×3 pixels.
  thick: 2 / 3,
  // A deviation of 0.3.
  noise: 0.75,
  // 0.4·x.
  contrast: 0.75,
  // A Gaussian of 1.2 pixels.
  blur: 0.8,
};
const usualStrength = 0.6;

/** A share of the support labels that are wrong, in the family of that name. */
const wrongLabels = { name: "wrong labels", share: 0.2 };

/** The tasks of a family: `plain`, `wrong labels`, or a shift's name. @throws InnerloopError `unknown-shift` */
export function familyOf(name: string, tasks: TaskSource): Family {
  if (name === "plain") return { name, inDomain: true, tasks };
  const splits = ["test"] as const;
  if (name === wrongLabels.name)
    return {
      name,
      inDomain: false,
      tasks: shifted(tasks, { families: [], together: true, strength: 1, wrongLabels: wrongLabels.share, splits }),
    };
  return {
    name,
    inDomain: false,
    tasks: shifted(tasks, { families: [name], strength: strengths[name] ?? usualStrength, splits }),
  };
}

/** Episodes of a setting at the least, whatever they take, so that there is something to tell. */
const leastEpisodes = 20;

/** How one adaptation and its answers went. */
interface Outcome {
  readonly accuracy: number;
  readonly rose: boolean;
  readonly failed: boolean;
  readonly logits: Float32Array;
  readonly losses: readonly number[];
}

/** Adapts to an episode's support set and answers its queries. What cannot be adapted has no right answer. */
async function outcomeOf(
  learner: Learner,
  { support, query }: Episode,
  count: number,
  { steps, rate }: Way,
): Promise<Outcome> {
  const labels = Array.from(support.y.data as Int32Array, String);
  const options = { ...(steps === undefined ? {} : { steps }), ...(rate === undefined ? {} : { rate }) };
  try {
    const mine = await learner.adapt({ data: support.x.data as Float32Array, shape: support.x.shape, labels }, options);
    const columns = Array.from({ length: count }, (_, way) => mine.labels.indexOf(String(way)));
    const answers = await mine.predictBatch({ data: query.x.data as Float32Array, shape: query.x.shape });
    const logits = Float32Array.from(answers.flatMap((answer) => columns.map((column) => answer.logits[column]!)));
    const accuracy = metrics.accuracy(metrics.argmax(logits, count), query.y.data as Int32Array);
    const losses = mine.supportLoss;
    return { accuracy, rose: losses.at(-1)! > losses[0]!, failed: false, logits, losses };
  } catch (error) {
    if ((error as { code?: string }).code !== "diverged") throw error;
    return { accuracy: 0, rose: true, failed: true, logits: new Float32Array(), losses: [] };
  }
}

/** As many shots as the classes have examples for beside the queries, and `most` at most. */
function shotsLeft(tasks: TaskSource, ways: number, most: number, queries: number): number {
  for (let shots = most; shots > 1; shots--)
    try {
      tasks.episode("test", 0, 0, { ways, shots, queries });
      return shots;
    } catch (error) {
      if ((error as { code?: string }).code !== "too-few-examples") throw error;
    }
  return 1;
}

/** How much is measured of a bundle. */
export interface Extent {
  readonly shots: readonly number[];
  readonly queries: number;
  readonly episodes: number;
  /** Time for each bundle; a setting gets its share, and fewer episodes where that does not do. */
  readonly minutes: number;
  readonly threads: number;
  readonly seed: number;
}

export interface MeasureOptions extends Extent {
  readonly families: readonly Family[];
  readonly counts: readonly number[];
  onSetting?(done: number, of: number, row: Row): void;
  onSample?(sample: Sample): void;
}

/** Measures a bundle in every setting that it and the data have. */
export async function measure(bundle: string, options: MeasureOptions): Promise<Row[]> {
  const learner: Learner = await Learner.load(bundle, { provider: "cpu", threads: options.threads });
  try {
    const { output, innerLoop } = learner.manifest;
    const adapts = innerLoop.steps > 0 && takesSteps(learner.manifest);
    const compared = adapts ? ways : ways.slice(0, 1);
    const settings = options.families
      .flatMap((family) =>
        options.counts
          .filter((count) => count <= Math.min(output.ways ?? count, family.tasks.classCount("test")))
          .flatMap((count) =>
            options.shots.map((most) => {
              const shots = shotsLeft(family.tasks, count, most, options.queries);
              return { family, count, shots, size: count * (shots + options.queries) };
            }),
          ),
      )
      .sort((a, b) => a.size - b.size);
    const end = performance.now() + 60_000 * options.minutes;
    const rows: Row[] = [];
    for (const [at, { family, count, shots }] of settings.entries()) {
      const until = performance.now() + (end - performance.now()) / (settings.length - at);
      const outcomes: Outcome[][] = compared.map(() => []);
      let done = 0;
      while (done < options.episodes && (done < leastEpisodes || performance.now() < until)) {
        const size = { ways: count, shots, queries: options.queries };
        const episode = family.tasks.episode("test", options.seed, done, size);
        for (const [i, way] of compared.entries()) outcomes[i]!.push(await outcomeOf(learner, episode, count, way));
        if (done === 0)
          options.onSample?.({
            name: `${family.name}, ${count} ways, ${shots} shots`,
            episode,
            answers: compared.map((way, i) => ({
              way,
              logits: outcomes[i]![0]!.logits,
              losses: outcomes[i]![0]!.losses,
            })),
          });
        done++;
      }
      const row: Row = {
        family: family.name,
        inDomain: family.inDomain,
        ways: count,
        shots,
        episodes: done,
        adapted: compared.map(({ name }, i) => adaptedOf(name, outcomes[i]!, outcomes[0]!)),
      };
      rows.push(row);
      options.onSetting?.(at + 1, settings.length, row);
    }
    return rows;
  } finally {
    await learner.dispose();
  }
}

function adaptedOf(way: string, outcomes: readonly Outcome[], without: readonly Outcome[]): Adapted {
  return {
    way,
    accuracy: metrics.estimate(outcomes.map(({ accuracy }) => accuracy)).mean,
    difference: metrics.estimate(outcomes.map(({ accuracy }, i) => accuracy - without[i]!.accuracy)),
    rose: outcomes.filter(({ rose }) => rose).length,
    failed: outcomes.filter(({ failed }) => failed).length,
  };
}
