// How long a bundle takes where it runs: from the start of a process to the first answer, and each step once it is warm.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Learner, type ProviderName } from "@innerloop/runtime";
import { InnerloopError } from "@innerloop/schemas";
import { madeUpExamples, madeUpQuery } from "./made-up-examples.ts";

/** Milliseconds. */
export interface Latency {
  readonly median: number;
  readonly p99: number;
}

/** What {@link measureBundle} finds. */
export interface BundleTimes {
  readonly provider: ProviderName;
  /** From the start of a Node process to its first prediction after adapting, loading and all. */
  readonly coldStart: Latency;
  /** One adaptation with the bundle's own number of steps, warm. */
  readonly adapt: Latency;
  /** The answer for one example, warm. */
  readonly predict: Latency;
}

export interface MeasureOptions {
  /** Where it runs; `auto` unless given. */
  readonly provider?: ProviderName | "auto";
  /** Processes that are started; 20 unless given. */
  readonly starts?: number;
  /** Adaptations, and predictions, that are timed; 200 unless given. */
  readonly runs?: number;
  /** Told how much is done, from 0 to 1, and what is being measured. */
  onProgress?(fraction: number, doing: string): void;
}

/**
 * Measures a bundle on one provider with made-up examples, of as many classes and examples as it was trained for.
 * @param bundle its folder, or its address in a network
 * @throws InnerloopError what `Learner.load` throws; `run-failed` where a new process cannot use it
 */
export async function measureBundle(bundle: string, options: MeasureOptions = {}): Promise<BundleTimes> {
  const { provider = "auto", starts = 20, runs = 200, onProgress = () => {} } = options;
  const learner: Learner = await Learner.load(bundle, { provider: provider as "auto" });
  try {
    const examples = madeUpExamples(learner.manifest);
    const query = madeUpQuery(learner.manifest);
    const mine = await learner.adapt(examples);
    await mine.predict(query);
    const timed = async (what: string, from: number, work: () => Promise<unknown>): Promise<Latency> => {
      const times: number[] = [];
      for (let i = -warmUps; i < runs; i++) {
        const start = performance.now();
        await work();
        if (i >= 0) times.push(performance.now() - start);
        if (i % 16 === 0) onProgress(from + (0.25 * Math.max(0, i)) / runs, what);
      }
      return latencyOf(times);
    };
    const adapt = await timed("adapting", 0, () => learner.adapt(examples));
    const predict = await timed("predicting", 0.25, () => mine.predict(query));
    const colds: number[] = [];
    for (let i = 0; i < starts; i++) {
      onProgress(0.5 + (0.5 * i) / starts, "starting processes");
      colds.push(await coldStart(bundle, learner.provider.name));
    }
    return { provider: learner.provider.name, coldStart: latencyOf(colds), adapt, predict };
  } finally {
    await learner.dispose();
  }
}

/** Runs before those that count. */
const warmUps = 10;

/** The median, and the time that 99 of 100 runs do not exceed. */
function latencyOf(times: readonly number[]): Latency {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  const middle = sorted.length / 2;
  const median = Number.isInteger(middle) ? ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2 : at(0.5);
  const rounded = (milliseconds: number): number => Number(milliseconds.toFixed(3));
  return { median: rounded(median), p99: rounded(at(0.99)) };
}

async function coldStart(bundle: string, provider: ProviderName): Promise<number> {
  const script = fileURLToPath(new URL("./cold-start.js", import.meta.url));
  const start = performance.now();
  const child = spawn(process.execPath, [script, bundle, provider], { stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  let ready: number | undefined;
  child.stdout.once("data", () => {
    ready = performance.now() - start;
  });
  const [status] = await once(child, "close");
  if (ready !== undefined && status === 0) return ready;
  throw new InnerloopError(
    "run-failed",
    `A new process could not use ${bundle} on ${provider}: ${complaint.trim().split("\n").at(-1) || `it ended with status ${status}`}.`,
  );
}
