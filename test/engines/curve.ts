// The loss curve of an engine, and what it has to share with the reference's: the same numbers for as long as rounding
// allows, the same accuracy in the end, and no memory that grows.
import { runInChild } from "@innerloop/train";

export interface CurveOptions {
  readonly iterations: number;
  /** After so many minutes no further iteration is begun. */
  readonly minutes: number;
  /** Of each of the four convolutions. */
  readonly filters: number;
  /** Tasks of an iteration. */
  readonly tasks: number;
  /** Episodes of unseen classes that the accuracy is measured on. */
  readonly episodes: number;
}

/** What a process holds. */
export interface Memory {
  readonly megabytes: number;
  /** What TensorFlow.js counts; 0 elsewhere. */
  readonly tensors: number;
  readonly tensorBytes: number;
}

export interface Curve {
  readonly engine: string;
  /** Of each iteration. */
  readonly losses: readonly number[];
  readonly accuracy: { readonly mean: number; readonly ci95: number };
  /** Without the first one, which compiles. */
  readonly secondsPerIteration: number;
  /** After a third of the iterations, and after all; not where time was up before. */
  readonly memory?: { readonly settled: Memory; readonly end: Memory };
}

/** Something that a curve has to fulfil; `skipped` where it could not be seen. */
export interface Check {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly words: string;
}

/** One engine's curve, in a process of its own. */
export const curveOf = (engine: string, options: CurveOptions): Promise<Curve> =>
  runInChild<Curve>(new URL("./curve-child.js", import.meta.url), [engine, JSON.stringify(options)], {
    // Compiling and measuring take their time too.
    seconds: 60 * (2 * options.minutes + 5),
  });

/** The iteration at which curves are compared, and how far apart they may be there, relative. */
export const compared = { iteration: 10, within: 1e-4 } as const;

/** How much a process may grow in two thirds of a run: what the allocators of native libraries take and keep. */
const growth = 24;

/** How far two curves are apart at an iteration, relative; undefined where one ended before. */
export function apart(curve: Curve, reference: Curve, iteration: number): number | undefined {
  const [ours, theirs] = [curve.losses[iteration - 1], reference.losses[iteration - 1]];
  return ours === undefined || theirs === undefined ? undefined : Math.abs(ours - theirs) / Math.abs(theirs);
}

/** The checks of a curve against the reference's, where there is one. */
export function checksOf(curve: Curve, reference: Curve | undefined, iterations: number): Check[] {
  const stopped = `time was up after ${curve.losses.length} of ${iterations} iterations`;
  const whole = curve.losses.length === iterations;
  if (!reference)
    return [
      { name: "loss and accuracy", outcome: "failed", words: "there is no reference" },
      flatMemory(curve) ?? { name: "memory", outcome: "skipped", words: stopped },
    ];
  return [
    sameLosses(curve, reference) ?? { name: "loss", outcome: "skipped", words: stopped },
    whole ? sameAccuracy(curve, reference) : { name: "accuracy", outcome: "skipped", words: stopped },
    flatMemory(curve) ?? { name: "memory", outcome: "skipped", words: stopped },
  ];
}

function sameLosses(curve: Curve, reference: Curve): Check | undefined {
  const difference = apart(curve, reference, compared.iteration);
  if (difference === undefined) return undefined;
  const words = `${difference.toExponential(1)} apart at iteration ${compared.iteration}`;
  return { name: "loss", outcome: difference <= compared.within ? "passed" : "failed", words };
}

/** Each mean has to lie in the other's interval, or the intervals at least meet. */
function sameAccuracy({ accuracy: ours }: Curve, { accuracy: theirs }: Curve): Check {
  const outcome = Math.abs(ours.mean - theirs.mean) <= ours.ci95 + theirs.ci95 ? "passed" : "failed";
  return { name: "accuracy", outcome, words: `${percent(ours.mean)} against ${percent(theirs.mean)}` };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function flatMemory({ memory }: Curve): Check | undefined {
  if (!memory) return undefined;
  const { settled, end } = memory;
  const grown = end.megabytes - settled.megabytes;
  const tensors = end.tensors - settled.tensors;
  const flat = grown <= growth && tensors === 0 && end.tensorBytes === settled.tensorBytes;
  const words = `${grown.toFixed(0)} MiB and ${tensors} tensors more than after a third`;
  return { name: "memory", outcome: flat ? "passed" : "failed", words };
}
