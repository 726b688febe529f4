// What the runs beside a run found: how good it is on classes that none of them was trained on, and which start was best.
import { estimate } from "../metrics.ts";

export interface Estimate {
  readonly mean: number;
  readonly ci95: number;
}

/** The ways to come by weights. */
export type Start = "asItIs" | "trainedOn" | "fromNothing";

/** Accuracies on held-back classes. */
export interface Comparison {
  /** Of each way that was tried, on the same episodes. */
  readonly scores: Readonly<Partial<Record<Start, Estimate>>>;
  /** The nearest neighbour on raw input, on the same episodes. */
  readonly nearestNeighbour?: Estimate;
  /** The way whose weights are kept. */
  readonly best: Start;
  /** What it is measured on, in words. */
  readonly on: string;
}

const words: Readonly<Record<Start, string>> = {
  asItIs: "the bundle as it is",
  trainedOn: "trained on from it",
  fromNothing: "from nothing",
};

/** The best of several ways; training on before others that are as good. */
export function bestOf(scores: Comparison["scores"]): Start {
  const order: readonly Start[] = ["trainedOn", "asItIs", "fromNothing"];
  const [first, ...others] = order.filter((start) => scores[start] !== undefined);
  return others.reduce((best, start) => (scores[start]!.mean > scores[best]!.mean ? start : best), first!);
}

/** Scores of all episodes together. */
export function estimates(
  scores: Readonly<Partial<Record<Start, readonly number[]>>>,
): Readonly<Partial<Record<Start, Estimate>>> {
  return Object.fromEntries(Object.entries(scores).map(([start, all]) => [start, estimate(all)]));
}

/** A comparison as people read it, in a sentence. */
export function comparisonText({ scores, nearestNeighbour, best, on }: Comparison): string {
  const shown = ({ mean, ci95 }: Estimate) => `${(100 * mean).toFixed(1)} ± ${(100 * ci95).toFixed(1)} %`;
  const single = Object.keys(scores).length === 1;
  const tried = (Object.entries(scores) as [Start, Estimate][]).map(([start, score]) =>
    single ? shown(score) : `${words[start]} ${shown(score)}`,
  );
  const beside = nearestNeighbour ? `; the nearest neighbour on raw input ${shown(nearestNeighbour)}` : "";
  return `Accuracy on ${on}: ${tried.join(", ")}${beside}${single ? "" : `. Best, and kept: ${words[best]}`}`;
}
