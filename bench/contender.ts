// What takes part in a measurement, and how two take turns.

/** Something that runs a workload and says how long each run took. */
export interface Contender {
  /** Milliseconds of each of `times` runs. */
  run(times: number): Promise<number[]>;
}

/** The median times of both sides in one turn, in milliseconds. */
export interface Pair {
  readonly ours: number;
  readonly theirs: number;
}

export interface Summary {
  readonly ours: number;
  readonly theirs: number;
  /** Ours ÷ theirs, of the medians. */
  readonly ratio: number;
  /** First and third quartile of the ratios of the pairs. */
  readonly quartiles: readonly [number, number];
  readonly pairs: number;
}

/** A function as a contender. */
export const contender = (once: () => Promise<unknown>): Contender => ({
  async run(times) {
    const milliseconds: number[] = [];
    for (let i = 0; i < times; i++) {
      const start = performance.now();
      await once();
      milliseconds.push(performance.now() - start);
    }
    return milliseconds;
  },
});

/** The q-quantile, linear between the values beside it. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function summarize(pairs: readonly Pair[]): Summary {
  const ratios = pairs.map(({ ours, theirs }) => ours / theirs);
  const [ours, theirs] = [median(pairs.map((pair) => pair.ours)), median(pairs.map((pair) => pair.theirs))];
  const quartiles = [quantile(ratios, 0.25), quantile(ratios, 0.75)] as const;
  return { ours, theirs, ratio: ours / theirs, quartiles, pairs: pairs.length };
}

/** How long one side's turn should at least be, in milliseconds: a single short run would time cold caches. */
const leastTurn = 30;

/** How many runs make a turn, for runs of so many milliseconds. */
const runsInTurn = (milliseconds: number): number => Math.min(300, Math.max(1, Math.ceil(leastTurn / milliseconds)));

const pause = () => new Promise((resolve) => setTimeout(resolve, 3));

/**
 * Lets both take turns, so that what else happens on the machine meets both. Who begins alternates; before each turn
 * comes a run that does not count, and a pause in which the other's threads come to rest.
 * @param turns how many pairs; by default as many as fit into about eight seconds, 11 to 41
 */
export async function interleave(ours: Contender, theirs: Contender, turns?: number): Promise<Pair[]> {
  const warm = async (side: Contender) => Math.min(...(await side.run(5)));
  const sides = [
    { side: ours, runs: runsInTurn(await warm(ours)) },
    { side: theirs, runs: runsInTurn(await warm(theirs)) },
  ] as const;
  const turn = async ({ side, runs }: (typeof sides)[number]) => {
    await pause();
    await side.run(1);
    return median(await side.run(runs));
  };
  const pairs: Pair[] = [];
  const start = performance.now();
  for (let i = 0; i < (turns ?? 41); i++) {
    if (turns === undefined && i >= 11 && performance.now() - start > 8000) break;
    if (i % 2 === 0) {
      const mine = await turn(sides[0]);
      pairs.push({ ours: mine, theirs: await turn(sides[1]) });
    } else {
      const other = await turn(sides[1]);
      pairs.push({ ours: await turn(sides[0]), theirs: other });
    }
  }
  return pairs;
}
