// What takes part in a measurement, and how they take turns.

/** Something that runs a workload and says how long each run took. */
export interface Contender {
  /** Every run begins from nothing: there is nothing to warm up. */
  readonly fresh?: boolean;
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

/** Milliseconds that the processor has worked for this process, in all threads: other work takes none of them. They come in coarse pieces. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
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

/** Runs that take longer than this, in milliseconds, are timed a few times only. */
const slow = 3000;
const turnsOfSlow = 3;

const pause = () => new Promise((resolve) => setTimeout(resolve, 3));

/**
 * Lets all take turns, so that what else happens on the machine meets all of them. Who begins alternates; before each turn
 * comes a run that does not count, and a pause in which the others' threads come to rest.
 * @param turns how many rounds; by default as many as fit into about four seconds a side, 11 to 41
 * @returns by round, the median milliseconds of each side's turn; undefined where a slow one had enough
 */
export async function takeTurns(sides: readonly Contender[], turns?: number): Promise<(number | undefined)[][]> {
  const known: { readonly side: Contender; readonly runs: number; readonly first: number }[] = [];
  for (const side of sides) {
    const first = side.fresh ? 0 : Math.min(...(await side.run(5)));
    known.push({ side, first, runs: side.fresh ? 1 : runsInTurn(first) });
  }
  const turn = async ({ side, runs }: (typeof known)[number]) => {
    await pause();
    if (!side.fresh) await side.run(1);
    return median(await side.run(runs));
  };
  const rounds: (number | undefined)[][] = [];
  const start = performance.now();
  const least = sides.some(({ fresh }) => fresh) ? 5 : 11;
  for (let i = 0; i < (turns ?? 41); i++) {
    if (turns === undefined && i >= least && performance.now() - start > 4000 * sides.length) break;
    const round = new Array<number | undefined>(sides.length).fill(undefined);
    const order = [...known.keys()];
    for (const at of i % 2 === 0 ? order : order.reverse()) {
      const one = known[at]!;
      const before = rounds.flatMap((times) => times[at] ?? []);
      const enough = Math.max(one.first, ...before) > slow && before.length >= turnsOfSlow;
      if (!enough) round[at] = await turn(one);
    }
    rounds.push(round);
  }
  return rounds;
}

/** The rounds of two of them. */
export const pairsOf = (rounds: readonly (readonly (number | undefined)[])[], mine: number, other: number): Pair[] =>
  rounds.flatMap((times) => {
    const [ours, theirs] = [times[mine], times[other]];
    return ours === undefined || theirs === undefined ? [] : [{ ours, theirs }];
  });

/** Two that take turns. */
export async function interleave(ours: Contender, theirs: Contender, turns?: number): Promise<Pair[]> {
  return pairsOf(await takeTurns([ours, theirs], turns), 0, 1);
}
