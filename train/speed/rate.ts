// How often a second some work gets done.

/** Where the first time takes so many seconds, it is most of it computing, and a second would only make people wait. */
const long = 5;

/**
 * Runs of some work a second. The first run, which loads and compiles, counts only where it takes more than 5 s.
 * @param seconds how long runs are counted
 */
export async function rateOf(work: () => Promise<unknown>, seconds: number): Promise<number> {
  const first = await secondsOf(work);
  if (first > long) return 1 / first;
  let [runs, spent] = [0, 0];
  while (spent < seconds) {
    spent += await secondsOf(work);
    runs++;
  }
  return runs / spent;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
