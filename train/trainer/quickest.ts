// Which of several ways to do the same work is quick here, by doing it.

/** Another way than the first has to save so much of the time to be taken: it takes more of the processor. */
const clearly = 0.1;

/** Each way is timed so often, in turns; once where all of that took more milliseconds than these. */
const [rounds, enough] = [3, 1000];

/**
 * Does work in each way, first once that does not count, and says which way is taken: a later one only where the least of its
 * times is clearly less than that of the one before.
 * @param ways the one that takes the least of the machine first
 * @param clock in milliseconds
 */
export async function quickest<T>(
  ways: readonly [T, ...T[]],
  work: (way: T) => Promise<unknown>,
  clock: () => number = () => performance.now(),
): Promise<T> {
  const least = ways.map(() => Number.POSITIVE_INFINITY);
  for (const way of ways) await work(way);
  const start = clock();
  for (let round = 0; round < rounds && (round === 0 || clock() - start < enough); round++)
    for (const [i, way] of ways.entries()) {
      const before = clock();
      await work(way);
      least[i] = Math.min(least[i]!, clock() - before);
    }
  let best = 0;
  for (const i of ways.keys()) if (least[i]! < (1 - clearly) * least[best]!) best = i;
  return ways[best]!;
}
