// What a result is worth, in words: beside guessing, and beside what one would do without meta-learning, with the intervals
// taken into account.
import type { Estimate } from "../estimate.ts";

/** What the learner is compared with on the same episodes. */
export interface Baseline {
  /** As in "better than …". */
  readonly name: string;
  readonly score: Estimate;
  /** The learner's score less this one, over episodes. */
  readonly difference: Estimate;
}

/** A result to judge. Scores are accuracies; those of a regression are errors. */
export interface Judged {
  readonly task: "classification" | "regression";
  readonly ways: number;
  readonly episodes: number;
  readonly score: Estimate;
  /** A regression: what answering with the mean of the examples gives. */
  readonly guessing?: Baseline;
  readonly baselines: readonly Baseline[];
  /** Classes that there were to train on, where that is known. */
  readonly trainingClasses?: number;
}

export interface Verdict {
  /** In the order of how bad it is; `unclear` where the interval leaves open whether it is worth more than a baseline. */
  readonly kind: "guessing" | "worse" | "unclear" | "better";
  readonly text: string;
}

/** With fewer classes to train on, there is little to learn how to tell classes apart from. */
const fewClasses = 50;

/** An interval of so few episodes says nothing. */
const fewEpisodes = 5;

/**
 * Judges a result.
 * @param luck how much of its interval a score may owe to being the best of several
 */
export function verdictOf(judged: Judged, luck = 0): Verdict {
  const { task, ways, episodes, score, guessing, baselines, trainingClasses } = judged;
  if (!Number.isFinite(score.mean))
    return { kind: "guessing", text: "There is no finite score: the training diverged." };
  if (episodes < fewEpisodes)
    return { kind: "unclear", text: `${episodes} episodes are too few to tell what it is worth; give more.` };
  const shown = shower(task);
  const higher = task === "classification" ? 1 : -1;
  const chance = 1 / ways;
  const better = ({ mean, ci95 }: Estimate) => higher * mean > ci95 * (1 + luck);
  const worse = ({ mean, ci95 }: Estimate) => higher * mean < -ci95;
  if (task === "classification" && !better({ mean: score.mean - chance, ci95: score.ci95 }))
    return {
      kind: "guessing",
      text: `No better than guessing, which is right in ${percent(chance)} among ${ways} classes, as far as ${episodes} episodes tell.`,
    };
  if (guessing && !better(guessing.difference))
    return {
      kind: "guessing",
      text: `No better than ${guessing.name} (${shown(guessing.score)}), as far as ${episodes} episodes tell.`,
    };
  const named = ({ name, score: own }: Baseline) => `${name} (${shown(own)})`;
  const ahead = baselines.filter(({ difference }) => worse(difference));
  if (ahead.length > 0) {
    const why =
      trainingClasses !== undefined && trainingClasses < fewClasses
        ? `: too few classes, ${trainingClasses} to train on; some hundreds make a learner`
        : ": it needs longer training, or other settings";
    return { kind: "worse", text: `Worse than ${list(ahead.map(named), "and")} on the same examples${why}.` };
  }
  const level = baselines.filter(({ difference }) => !better(difference));
  if (level.length > 0)
    return { kind: "unclear", text: `Not clearly better than ${list(level.map(named), "or")} on the same examples.` };
  return { kind: "better", text: `Better than ${list(baselines.map(named), "and")} on the same examples.` };
}

/** A share of 1 as `93.4 %`. */
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const shower = (task: Judged["task"]) => (score: Estimate) =>
  task === "classification" ? percent(score.mean) : score.mean.toFixed(4);

const list = (parts: readonly string[], and: string): string =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} ${and} ${parts.at(-1)}`;

/** The names of the baselines. */
export const baselineNames = {
  nearestNeighbour: "the nearest neighbour on raw input",
  logisticRegression: "logistic regression on raw input",
  meanTarget: "answering with the mean of the examples",
  nearestExample: "answering as the nearest example",
} as const;
