// How fast the engines and providers are that work here, each measured for two seconds in a process of its own.
import type { InnerloopError } from "@innerloop/schemas";
import { measuredTraining, measureEngine } from "@innerloop/train";
import type { Finding, Findings } from "./examine.ts";
import { measuredAdaptation, measureProvider } from "./measure-provider.ts";

/** What an iteration is, in words. */
export const measured = { engines: measuredTraining, providers: measuredAdaptation } as const;

/**
 * Measures what works, one after the other, so that none disturbs another. What fails at its work is found not to work.
 * @param onMeasuring told of each before it is measured, and how many were before it
 * @returns the findings, with speeds
 */
export async function measureSpeeds(
  findings: Findings,
  onMeasuring: (name: string, done: number, all: number) => void = () => {},
): Promise<Findings> {
  const { engines, providers } = findings;
  const all = [...engines, ...providers].filter(({ available }) => available).length;
  let done = 0;
  const inTurn = async (
    list: readonly Finding[],
    measure: (name: string) => Promise<number>,
  ): Promise<readonly Finding[]> => {
    const found: Finding[] = [];
    for (const finding of list) {
      if (finding.available) onMeasuring(finding.name, done++, all);
      found.push(finding.available ? await withSpeed(finding, measure) : finding);
    }
    return found;
  };
  return {
    ...findings,
    engines: await inTurn(engines, measureEngine),
    providers: await inTurn(providers, measureProvider),
  };
}

const withSpeed = (finding: Finding, measure: (name: string) => Promise<number>): Promise<Finding> =>
  measure(finding.name).then(
    (iterationsPerSecond) => ({ ...finding, iterationsPerSecond }),
    (cause: InnerloopError) =>
      cause.code === "child-late"
        ? { ...finding, reason: `too slow to measure: ${cause.message}` }
        : { ...finding, available: false, reason: `it starts, but fails at work: ${cause.message}` },
  );
